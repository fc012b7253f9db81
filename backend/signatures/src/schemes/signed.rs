//! A signature in a header over parts of the request: HMAC, a plain hash with the secret in it, or Ed25519.
//!
//! What is signed, where signature and time stand and how they are written is data: a preset's `verify`, or the
//! `config` of a source for which there is no preset. Both are read here, so that they have the same words.

use std::sync::Arc;

use http::HeaderName;
use postern_domain::{Invalid, Timestamp};

use crate::{
    body::Pointer,
    coded::Shown,
    fields::{Fields, invalid},
    mac::Algorithm,
    refusal::Refusal,
    request::{RawRequest, malformed, malformed_body},
    scheme::Credentials,
    schemes::{
        carrier::Carrier,
        keys::Keys,
        mismatch,
        secret::{SecretEncoding, SecretsOf},
    },
    template::{Filling, Part, Template},
    window::{Unit, Window, tolerance_s},
};

/// How, before any key is known.
#[derive(Clone, Debug)]
pub(crate) struct SignedPlan {
    carrier: Carrier,
    template: Template,
    timestamp: Option<TimestampPlan>,
    /// Only when the id is signed: the first that is there counts.
    id_headers: Vec<HeaderName>,
    recipe: Recipe,
}

#[derive(Clone, Debug)]
struct TimestampPlan {
    place: TimestampPlace,
    window: Window,
}

#[derive(Clone, Debug)]
enum TimestampPlace {
    Header(Vec<HeaderName>),
    /// Beside the signature.
    Key,
    Body(Pointer),
}

/// How the signature is made.
#[derive(Clone, Copy, Debug)]
enum Recipe {
    Hmac(Algorithm, SecretEncoding),
    Hash(Algorithm),
    Ed25519,
}

/// Which recipe, by the scheme's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hmac,
    Hash,
    Ed25519,
}

/// With the keys of one source.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    plan: Arc<SignedPlan>,
    window: Option<Window>,
    keys: Keys,
}

impl SignedPlan {
    pub(crate) fn parse(kind: Kind, fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let carrier = Carrier::parse(fields)?;
        let template = template(kind, fields)?;
        let timestamp = timestamp(fields, &carrier)?;
        if timestamp.is_none() && template.contains(&Part::Timestamp) {
            return Err(invalid("timestamp_header", "is required, since the template contains {timestamp}"));
        }
        let id_headers = fields.headers("id_header")?;
        let id_is_signed = template.contains(&Part::Id);
        if id_is_signed && id_headers.is_empty() {
            return Err(invalid("id_header", "is required, since the template contains {id}"));
        }
        let recipe = recipe(kind, fields)?;
        let stands_free = |part: Option<&Part>| matches!(part, None | Some(Part::Literal(_)));
        let parted = stands_free(template.before(&Part::Timestamp)) && stands_free(template.after(&Part::Timestamp));
        let timestamp = timestamp.map(|plan| match parted {
            true => plan,
            false => TimestampPlan { window: plan.window.fixed(), ..plan },
        });
        let id_headers = if id_is_signed { id_headers } else { Vec::new() };
        Ok(Self { carrier, template, timestamp, id_headers, recipe })
    }

    /// The age that is tolerated unless configured.
    pub(crate) fn tolerance_s(&self) -> Option<i64> {
        self.timestamp.as_ref().and_then(|plan| plan.window.past_s())
    }

    pub(crate) const fn has_timestamp(&self) -> bool {
        self.timestamp.is_some()
    }

    /// Whether the time is under the signature, which alone keeps replays off.
    pub(crate) fn signs_time_and_id(&self) -> bool {
        let in_body = matches!(&self.timestamp, Some(TimestampPlan { place: TimestampPlace::Body(_), .. }));
        (in_body || self.template.contains(&Part::Timestamp)) && self.template.contains(&Part::Id)
    }

    /// In words: what is signed, and where the signature stands.
    pub(crate) fn place(&self) -> String {
        self.carrier.place()
    }

    /// With the secrets or public keys of a source.
    pub(crate) fn with_keys(
        self: &Arc<Self>,
        credentials: &Credentials,
        (whose, tolerance_s): (SecretsOf, Option<i64>),
    ) -> Result<Signed, Invalid> {
        let keys = match self.recipe {
            Recipe::Hmac(algorithm, encoding) => {
                Keys::hmac(algorithm, &credentials.secrets, |text| encoding.key_bytes(whose, text))?
            }
            Recipe::Hash(algorithm) => Keys::hash(algorithm, &credentials.secrets),
            Recipe::Ed25519 => Keys::ed25519(&credentials.public_keys)?,
        };
        let window = self.timestamp.as_ref().map(|plan| plan.window.tolerating(tolerance_s));
        Ok(Signed { plan: Arc::clone(self), window, keys })
    }
}

impl Signed {
    pub(crate) fn plan(&self) -> &SignedPlan {
        &self.plan
    }

    pub(crate) fn window(&self) -> Option<Window> {
        self.window
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>, now: Timestamp) -> Result<Shown, Refusal> {
        let plan = &*self.plan;
        let groups = plan.carrier.read(request)?;
        let id = self.id(request)?;
        let mut refused = None;
        for group in groups {
            let timestamp = match self.timestamp(request, group.timestamp, now) {
                Ok(timestamp) => timestamp,
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                    continue;
                }
            };
            let filling = Filling { timestamp: &timestamp, id: id.map_or("", |(_, id)| id), secret: &[] };
            let signatures = group.signatures.iter().map(|text| plan.carrier.decode(text));
            if let Some(place) = self.keys.find(&plan.template, (request, filling), signatures) {
                let signed_headers = id.map(|(name, _)| name.clone()).into_iter().collect();
                return Ok(Shown { secret_index: Some(place), covers_body: true, signed_headers, ..Shown::default() });
            }
        }
        let what = || format!("a signature in header {}", plan.carrier.place());
        Err(refused.unwrap_or_else(|| mismatch(&what(), self.keys.len())))
    }

    /// The signed id. One that could be read as ending elsewhere would let one signed text be cut in two ways.
    fn id<'a>(&self, request: &RawRequest<'a>) -> Result<Option<(&HeaderName, &'a str)>, Refusal> {
        if self.plan.id_headers.is_empty() {
            return Ok(None);
        }
        let (name, id) = request.first_text(&self.plan.id_headers)?;
        let end = match self.plan.template.after(&Part::Id) {
            Some(Part::Literal(end)) => Some(end),
            _ => None,
        };
        if id.is_empty() || end.is_some_and(|end| id.contains(end.as_str())) {
            let without = end.map(|end| format!(" and without `{end}`")).unwrap_or_default();
            return Err(malformed(format!("header `{name}` not empty{without}")));
        }
        Ok(Some((name, id)))
    }

    /// The time as it was written, checked.
    fn timestamp<'a>(
        &self,
        request: &RawRequest<'a>,
        beside: Option<&'a str>,
        now: Timestamp,
    ) -> Result<std::borrow::Cow<'a, str>, Refusal> {
        let (Some(plan), Some(window)) = (&self.plan.timestamp, self.window) else { return Ok("".into()) };
        match &plan.place {
            TimestampPlace::Header(names) => {
                let (name, text) = request.first_text(names)?;
                window.check(name.as_str(), text, now)?;
                Ok(text.into())
            }
            TimestampPlace::Key => {
                let text = beside.unwrap_or_default();
                window.check(self.plan.carrier.place().trim_matches('`'), text, now)?;
                Ok(text.into())
            }
            TimestampPlace::Body(pointer) => {
                let text = pointer.find(request.body);
                let text = text.ok_or_else(|| malformed_body(format!("a timestamp at {pointer} of the body")))?;
                window.check_in_body(&pointer.to_string(), &text, now)?;
                Ok(text.into())
            }
        }
    }
}

fn template(kind: Kind, fields: &mut Fields<'_>) -> Result<Template, Invalid> {
    let template = Template::parse(fields.text("template")?.unwrap_or("{body}"))?;
    let has_secret = template.contains(&Part::Secret);
    if has_secret != (kind == Kind::Hash) {
        let detail = match kind {
            Kind::Hash => "must contain {secret}: a hash without it proves nothing",
            Kind::Hmac | Kind::Ed25519 => "must not contain {secret}, which is the key",
        };
        return Err(invalid("template", detail));
    }
    if template.after(&Part::Id) == Some(&Part::Body) || template.before(&Part::Id) == Some(&Part::Body) {
        return Err(invalid("template", "must part {id} from {body}, or bytes could be moved from one to the other"));
    }
    Ok(template)
}

/// An unsigned timestamp is checked as well, when one is configured, but only a signed one keeps replays off.
fn timestamp(fields: &mut Fields<'_>, carrier: &Carrier) -> Result<Option<TimestampPlan>, Invalid> {
    let headers = fields.headers("timestamp_header")?;
    let pointer = fields.pointer("timestamp_path")?;
    let units =
        [("s", Unit::Seconds), ("ms", Unit::Milliseconds), ("rfc3339", Unit::Rfc3339), ("http-date", Unit::HttpDate)];
    let unit = fields.choice("timestamp_unit", &units)?;
    let is_free = fields.choice("timestamp_age", &[("checked", false), ("free", true)])?;
    let tolerance_s = tolerance_s(fields)?;
    let place = match (headers.is_empty(), carrier.has_timestamp(), pointer) {
        (false, false, None) => TimestampPlace::Header(headers),
        (true, true, None) => TimestampPlace::Key,
        (true, false, Some(pointer)) => TimestampPlace::Body(pointer),
        (true, false, None) => {
            let lone = [
                ("timestamp_unit", unit.is_some()),
                ("timestamp_age", is_free.is_some()),
                ("tolerance_s", tolerance_s.is_some()),
            ];
            let lone = lone.into_iter().find(|(_, given)| *given);
            return lone.map_or(Ok(None), |(name, _)| Err(invalid(name, "needs `timestamp_header`")));
        }
        _ => {
            return Err(invalid(
                "timestamp_header",
                "is one of three places of the timestamp, of which one may be given",
            ));
        }
    };
    let window = Window::new(unit.unwrap_or(Unit::Seconds), tolerance_s);
    let window = if is_free == Some(true) && tolerance_s.is_none() { window.open() } else { window };
    Ok(Some(TimestampPlan { place, window }))
}

fn recipe(kind: Kind, fields: &mut Fields<'_>) -> Result<Recipe, Invalid> {
    let algorithms = [("sha256", Algorithm::Sha256), ("sha1", Algorithm::Sha1), ("sha512", Algorithm::Sha512)];
    let mut algorithm = || Ok(fields.choice("algorithm", &algorithms)?.unwrap_or(Algorithm::Sha256));
    match kind {
        Kind::Hash => algorithm().map(Recipe::Hash),
        Kind::Ed25519 => Ok(Recipe::Ed25519),
        Kind::Hmac => {
            let algorithm = algorithm()?;
            let encoding = SecretEncoding::parse(fields)?;
            Ok(Recipe::Hmac(algorithm, encoding))
        }
    }
}

#[cfg(any(test, feature = "samples"))]
impl Signed {
    /// What a sender with the first key would send beside the body: the signed headers, and the signature's.
    pub(crate) fn sample(&self, request: &RawRequest<'_>, now: Timestamp) -> Option<Sample> {
        let timestamp = self.window.map(|window| window.write(now)).unwrap_or_default();
        let mut headers = Vec::new();
        match self.plan.timestamp.as_ref().map(|plan| &plan.place) {
            Some(TimestampPlace::Header(names)) => headers.push((names.first()?.clone(), timestamp.clone())),
            Some(TimestampPlace::Body(_)) => return None,
            Some(TimestampPlace::Key) | None => {}
        }
        let id = if let Some(name) = self.plan.id_headers.first() {
            headers.push((name.clone(), "id-1".to_owned()));
            "id-1"
        } else {
            ""
        };
        let filling = Filling { timestamp: &timestamp, id, secret: &[] };
        let signature = self.keys.sample(&self.plan.template, (request, filling))?;
        Some((headers, self.plan.carrier.write(&timestamp, &signature)?))
    }
}

/// Headers, and the one with the signature.
#[cfg(any(test, feature = "samples"))]
pub(crate) type Sample = (Vec<(HeaderName, String)>, (HeaderName, String));
