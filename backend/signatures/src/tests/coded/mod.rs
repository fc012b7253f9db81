//! The coded schemes: what each accepts, that every part it covers is covered, and what it leaves open.

mod algorithms;
mod bodies;
mod fetched;
mod forms;
mod graph;
mod headers;
mod jwt;
mod keys;
mod urls;

use std::{collections::BTreeMap, sync::Arc};

use http::HeaderMap;
use postern_domain::{Secret, Timestamp};
use serde_json::Value;

use super::{NOW_S, header_name};
use crate::{
    Credentials, Greeting, KeyRequest, Keyring, RawRequest, Refusal, RefusalCause,
    coded::{self, Coded, Proof, Shown},
    fields::Fields,
};

const URL: &str = "https://in.example.com/in/abc?x=1";

/// A request that owns its parts, and the scheme that is to judge it.
#[derive(Clone)]
struct Case {
    scheme: Arc<dyn Coded>,
    method: String,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    now: Timestamp,
    keyring: Fetched,
}

/// What was fetched, by the name it is kept under.
#[derive(Clone, Default)]
struct Fetched(BTreeMap<String, Arc<Vec<u8>>>);

impl Keyring for Fetched {
    fn find(&self, cache_as: &str) -> Option<Arc<Vec<u8>>> {
        self.0.get(cache_as).cloned()
    }
}

fn credentials(secrets: &[&str], public_keys: &[&str]) -> Credentials {
    let secrets = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
    Credentials { secrets, public_keys: public_keys.iter().map(|text| (*text).to_owned()).collect() }
}

/// Every field of the configuration must be known, as it is at the edge.
fn parse(name: &str, config: &Value, credentials: &Credentials) -> Result<Arc<dyn Coded>, postern_domain::Invalid> {
    let mut fields = Fields::new(config)?;
    let scheme = coded::find(name).expect("a coded scheme")(&mut fields, credentials)?;
    fields.finish(name)?;
    Ok(scheme)
}

impl Case {
    fn new(scheme: Arc<dyn Coded>, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let mut case = Self {
            scheme,
            method: "POST".to_owned(),
            url: URL.to_owned(),
            headers: HeaderMap::new(),
            body: body.into(),
            now: Timestamp::from_secs(NOW_S),
            keyring: Fetched::default(),
        };
        for (name, value) in headers {
            case.headers.append(header_name(name), value.parse().expect("a header value"));
        }
        case
    }

    fn request(&self) -> RawRequest<'_> {
        RawRequest { method: &self.method, url: &self.url, headers: &self.headers, body: &self.body }
    }

    fn verify(&self) -> Result<Proof, Refusal> {
        self.scheme.verify(&self.request(), self.now, &self.keyring)
    }

    fn shown(&self) -> Shown {
        match self.verify() {
            Ok(Proof::Shown(shown)) => shown,
            other => panic!("expected to be accepted: {other:?}"),
        }
    }

    fn is_accepted(&self) -> bool {
        matches!(self.verify(), Ok(Proof::Shown(_)))
    }

    fn cause(&self) -> RefusalCause {
        self.verify().expect_err("a refusal").cause
    }

    fn asks_for(&self) -> KeyRequest {
        match self.verify() {
            Ok(Proof::NeedsKey(request)) => request,
            other => panic!("expected to be asked for a key: {other:?}"),
        }
    }

    fn greeting(&self) -> Option<Greeting> {
        self.scheme.greet(&self.request())
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut altered = self.clone();
        altered.headers.insert(header_name(name), value.parse().expect("a header value"));
        altered
    }

    fn without(&self, name: &str) -> Self {
        let mut altered = self.clone();
        altered.headers.remove(name).expect("was there");
        altered
    }

    fn with_body(&self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.clone() }
    }

    fn with_url(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    fn with_method(&self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self.clone() }
    }

    fn at(&self, now_s: i64) -> Self {
        Self { now: Timestamp::from_secs(now_s), ..self.clone() }
    }

    fn having_fetched(&self, cache_as: &str, answer: &[u8]) -> Self {
        let mut altered = self.clone();
        altered.keyring.0.insert(cache_as.to_owned(), Arc::new(answer.to_vec()));
        altered
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The same with a part of its body replaced, which must be there.
    fn replacing(&self, from: &str, to: &str) -> Self {
        assert!(self.text().contains(from), "{from} is not in {}", self.text());
        self.with_body(self.text().replacen(from, to, 1))
    }
}
