//! A browser without a screen: keeps cookies and sends forms. It follows no redirect, so that a test sees each of them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::{Answer, Api, Server, text};

/// Of everybody who logs in in a test.
pub(crate) const PASSWORD: &str = "correct horse battery";

const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A clone has the same cookies, and from then on its own.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    nobody: Api,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        Self { nobody: server.api(""), cookies: BTreeMap::new() }
    }

    /// The same cookies, shown to another replica.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self { nobody: server.api(""), cookies: self.cookies.clone() }
    }

    /// Logged in; each call is a session of its own.
    pub(crate) async fn logged_in(server: &Server, email: &str) -> Self {
        let mut browser = Self::new(server);
        let inside = browser.log_in(email, PASSWORD).await;
        assert_eq!(inside.status, 303, "{email} cannot log in: {}", String::from_utf8_lossy(&inside.body));
        browser
    }

    pub(crate) async fn log_in(&mut self, email: &str, password: &str) -> Answer {
        let password = password.replace(' ', "+");
        self.post("/login", &format!("email={email}&password={password}")).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// Sends a form as a page of ours does: with its token, from the same origin. `fields` are encoded already.
    pub(crate) async fn post(&mut self, path: &str, fields: &str) -> Answer {
        let token = self.token().await;
        self.send(Method::POST, path, &[OWN_PAGE], Some(&format!("_csrf={token}&{fields}"))).await
    }

    /// The token that forms of this session carry; without a session, that of the log-in form.
    pub(crate) async fn token(&mut self) -> String {
        let account = self.get("/account").await;
        let page = if account.status == 200 { account } else { self.get("/login").await };
        let page = String::from_utf8_lossy(&page.body).into_owned();
        let (_, rest) = page.split_once("name=\"_csrf\" value=\"").expect("a form with a token");
        rest.split('"').next().expect("a value").to_owned()
    }

    /// Whether there is a session behind the cookies.
    pub(crate) async fn is_logged_in(&mut self) -> bool {
        self.get("/account").await.status == 200
    }

    /// Any request, with the cookies. A body is a form unless `headers` say otherwise.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let body = body.map(|body| body.as_bytes().to_vec());
        let answer = self.nobody.send(method, path, &all, body).await.expect("an answer");
        for line in answer.headers.get_all("set-cookie") {
            self.keep(line.to_str().expect("a cookie"));
        }
        answer
    }

    fn keep(&mut self, line: &str) {
        let (name, rest) = line.split_once('=').expect("a name");
        let value = rest.split(';').next().unwrap_or_default();
        if line.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// Makes somebody with [`PASSWORD`] a member of the key's tenant; gives their id.
pub(crate) async fn member(api: &Api, email: &str, role: &str) -> String {
    let new = json!({ "email": email, "role": role, "password": PASSWORD });
    text(&api.created("/members", new).await, "id")
}
