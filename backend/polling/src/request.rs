//! One request of a run: rendered from the settings, moved from page to page, and signed at the last moment.

mod render;
mod sign;

use std::fmt;

use http::{HeaderMap, HeaderName, Method};
use postern_domain::{Invalid, Secret, destination::MAX_URL_BYTES};
use serde_json::Value;
use url::Url;

use crate::{
    fault::PageFault,
    settings::{ApiKeyPlace, Auth, PollSettings},
    template::Vars,
};

/// What is asked, without the proof of who asks: that is put on by [`Self::signed`], so that this can be shown and kept.
#[derive(Clone, PartialEq)]
pub struct PageRequest {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(HeaderName, Secret<String>)>,
    pub body: Option<Vec<u8>>,
    key: KeyInUrl,
}

/// What of the URL carries a credential once it is signed.
#[derive(Clone, PartialEq)]
enum KeyInUrl {
    None,
    /// An entry of the query.
    Query(String),
    /// A word of the path.
    Path {
        word: String,
        key: Secret<String>,
    },
}

/// Ready to be sent.
#[derive(Clone)]
pub struct SignedRequest {
    pub method: Method,
    /// May hold a key.
    pub url: Secret<String>,
    /// What may be a credential is marked as sensitive.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Query, headers and body may hold what their settings hold.
impl fmt::Debug for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageRequest({} {})", self.method, self.url.split('?').next().unwrap_or_default())
    }
}

impl PageRequest {
    /// The request of the first page.
    ///
    /// # Errors
    /// When a value cannot stand where a template puts it, or the URL becomes too long.
    pub fn first(settings: &PollSettings, vars: &Vars) -> Result<Self, Invalid> {
        let key = match &settings.request.auth {
            Auth::ApiKey { place: ApiKeyPlace::Query(name), .. } => KeyInUrl::Query(name.clone()),
            Auth::ApiKey { place: ApiKeyPlace::Path(word), value } => {
                KeyInUrl::Path { word: word.clone(), key: value.clone() }
            }
            _ => KeyInUrl::None,
        };
        let mut request = Self {
            method: settings.request.method.clone(),
            url: String::new(),
            headers: render::headers(settings, vars)?,
            body: render::body(&settings.request, vars)?,
            key,
        };
        let url = render::url(&settings.request, vars)?;
        request.url = request.without_key(&url);
        if let Some(size) = &settings.paginate.size {
            request.set(&size.param, size.size.into())?;
        }
        Ok(request)
    }

    /// The same at another URL of the same origin, as a link or a redirect gave it.
    pub(crate) fn at(&self, link: &str, field: &str) -> Result<Self, PageFault> {
        let malformed = |detail: String| PageFault::Malformed { field: field.to_owned(), detail };
        let current = Url::parse(&self.url).map_err(|cause| malformed(cause.to_string()))?;
        let mut next = current.join(link).map_err(|cause| malformed(format!("the link is not a URL: {cause}")))?;
        if next.origin() != current.origin() {
            return Err(PageFault::ForeignOrigin { origin: shortened(&next.origin().ascii_serialization()) });
        }
        if !next.username().is_empty() || next.password().is_some() {
            return Err(malformed("the link has a user name in it".to_owned()));
        }
        next.set_fragment(None);
        let url = self.without_key(next.as_str());
        if url.len() > MAX_URL_BYTES {
            return Err(malformed(format!("the link has more than {MAX_URL_BYTES} bytes")));
        }
        Ok(Self { url, ..self.clone() })
    }

    /// The same at a URL that [`Self::at`] has passed.
    pub(crate) fn moved(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// Puts a value into the query, or, where the parameter begins with `/`, into the JSON body.
    pub(crate) fn set(&mut self, param: &str, value: Value) -> Result<(), Invalid> {
        if param.starts_with('/') {
            let detail = || Invalid::new("poll.paginate.param", format!("`{param}` cannot be set in `request.body`"));
            let body = self.body.take().unwrap_or_default();
            let mut json: Value = serde_json::from_slice(&body).map_err(|_| detail())?;
            render::set_pointer(&mut json, param, value).ok_or_else(detail)?;
            self.body = Some(json.to_string().into_bytes());
            return Ok(());
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let url = render::with_query(&self.url, param, &text);
        if url.len() > MAX_URL_BYTES {
            return Err(Invalid::new("poll.paginate.param", format!("makes a URL of more than {MAX_URL_BYTES} bytes")));
        }
        self.url = url;
        Ok(())
    }

    /// Providers put the whole URL into their links, the key too. It is signed in again for each request.
    fn without_key(&self, url: &str) -> String {
        match &self.key {
            KeyInUrl::None => url.to_owned(),
            KeyInUrl::Query(name) => render::without_query(url, name),
            KeyInUrl::Path { word, key } => render::without_path_key(url, word, key.expose()),
        }
    }
}

/// A stranger wrote it; a person reads it.
fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests;
