//! A browser without a screen: keeps cookies and sends forms. It follows no redirect.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{Answer, Client, Server, request};

/// Of everybody who logs in in a test.
pub(crate) const PASSWORD: &str = "correct horse battery";

#[derive(Clone)]
pub(crate) struct Browser<'a> {
    server: &'a Server,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Where it is, as the proxy before the server says.
    pub(crate) address: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, cookies: BTreeMap::new(), address: None }
    }

    /// One that nobody has used, at this address.
    pub(crate) fn at(server: &'a Server, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..Self::new(server) }
    }

    /// Logged in.
    pub(crate) fn of(server: &'a Server, email: &str) -> Self {
        let mut browser = Self::new(server);
        assert_eq!(browser.log_in(email, PASSWORD).status, 303, "{email}");
        browser
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        if let Some(address) = &self.address {
            all.push(("x-forwarded-for", address));
        }
        if method == "POST" {
            all.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = self.server.send(&request(method, path, &all, body.as_bytes()));
        for line in &answer.cookies {
            let (name, rest) = line.split_once('=').expect("a name");
            let value = rest.split(';').next().unwrap_or_default().to_owned();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value);
            }
        }
        answer
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// Fills the form on the page at `page` and sends it to `path`.
    pub(crate) fn fill(&mut self, page: &str, path: &str, fields: &str) -> Answer {
        let token = token(&self.get(page));
        self.send("POST", path, &[("sec-fetch-site", "same-origin")], &format!("_csrf={token}&{fields}"))
    }

    pub(crate) fn log_in(&mut self, email: &str, password: &str) -> Answer {
        let password = password.replace(' ', "+");
        self.fill("/login", "/login", &format!("email={email}&password={password}"))
    }

    pub(crate) fn is_logged_in(&mut self) -> bool {
        self.get("/account").status == 200
    }

    /// `/t/ten_…` of the first tenant.
    pub(crate) fn tenant(&mut self) -> String {
        let root = self.get("/");
        root.header("location").expect("a way on").trim_end_matches('/').to_owned()
    }
}

/// Of the first form on the page.
pub(crate) fn token(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"_csrf\" value=\"").expect("a form with a token");
    rest.split('"').next().expect("a value").to_owned()
}

/// Makes somebody with [`PASSWORD`] a member of the key's tenant; gives their id.
pub(crate) fn person(client: &Client<'_>, email: &str, role: &str) -> String {
    client.make("/api/v1/members", json!({ "email": email, "role": role, "password": PASSWORD }))
}
