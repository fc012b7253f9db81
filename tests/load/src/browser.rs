//! A browser as far as pages need one: it logs in by the form, keeps cookies, and gets pages.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::http::Connection;

pub(crate) struct Browser {
    server: SocketAddr,
    connection: Connection,
    cookies: BTreeMap<String, String>,
    /// Of the last answer.
    body: Vec<u8>,
}

/// A page, and how long it took to come.
pub(crate) struct Got {
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Browser {
    pub(crate) async fn log_in(server: SocketAddr, email: &str, password: &str) -> Result<Self> {
        let mut browser =
            Self { server, connection: Connection::open(server).await?, cookies: BTreeMap::new(), body: Vec::new() };
        let form = browser.get("/login").await?.text;
        let token =
            between(&form, "name=\"_csrf\" value=\"", "\"").context("a log-in page without a token")?.to_owned();
        let body = format!("_csrf={token}&email={email}&password={password}");
        let head = format!(
            "POST /login HTTP/1.1\r\nhost: {server}\r\nsec-fetch-site: same-origin\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            browser.cookies(),
            body.len()
        );
        let status = browser.send(&head).await?;
        if status != 303 {
            bail!("logging in answered {status}");
        }
        Ok(browser)
    }

    /// The page, to read in it; anything but 200 is an error.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Got> {
        let begun = Instant::now();
        let text = String::from_utf8_lossy(self.fetch(path, "identity").await?).into_owned();
        Ok(Got { text, took: begun.elapsed() })
    }

    /// How long the page takes to come as browsers ask for it, compressed, and how many bytes that makes.
    pub(crate) async fn load(&mut self, path: &str) -> Result<(Duration, usize)> {
        let begun = Instant::now();
        let bytes = self.fetch(path, "gzip").await?.len();
        Ok((begun.elapsed(), bytes))
    }

    async fn fetch(&mut self, path: &str, coding: &str) -> Result<&[u8]> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\naccept-encoding: {coding}\r\ncookie: {}\r\n\r\n",
            self.server,
            self.cookies()
        );
        let status = self.send(&request).await.with_context(|| path.to_owned())?;
        if status != 200 {
            bail!("GET {path} answered {status}");
        }
        Ok(&self.body)
    }

    async fn send(&mut self, request: &str) -> Result<u16> {
        let (status, body) = self.connection.exchange(request.as_bytes()).await?;
        self.body.clear();
        self.body.extend_from_slice(body);
        for line in self.connection.head().lines() {
            let cookie = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
            if let Some((name, value)) = cookie.and_then(|(_, cookie)| cookie.trim().split_once('=')) {
                let value = value.split(';').next().unwrap_or_default();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(status)
    }

    fn cookies(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// The way to the older rows of a list, if the page has one.
pub(crate) fn older(page: &str) -> Option<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter(|link| link.contains("cursor=")).map(|link| link.replace("&#38;", "&").replace("&amp;", "&")).next()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
