//! The proof of who asks is put on at the last moment, and only on what goes to the origin of the settings.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use postern_domain::{Invalid, Secret};

use super::{PageRequest, SignedRequest, render};
use crate::settings::{ApiKeyPlace, Auth};

impl PageRequest {
    /// Ready to be sent. An OAuth2 method needs the access token that whoever asks has got for it.
    ///
    /// # Errors
    /// When the token is missing, or a credential cannot stand in a header.
    pub fn signed(&self, auth: &Auth, access_token: Option<&Secret<String>>) -> Result<SignedRequest, Invalid> {
        let mut signed = SignedRequest {
            method: self.method.clone(),
            url: Secret::new(self.url.clone()),
            headers: HeaderMap::new(),
            body: self.body.clone().unwrap_or_default(),
        };
        for (name, value) in &self.headers {
            let field = format!("poll.request.headers.{name}");
            put(&mut signed.headers, name.clone(), value.expose(), &field)?;
        }
        let authorization = |signed: &mut SignedRequest, text: String| {
            let text = Secret::new(text);
            put(&mut signed.headers, header::AUTHORIZATION, text.expose(), "poll.request.auth")
        };
        match auth {
            Auth::None => {}
            Auth::Bearer { token } => authorization(&mut signed, format!("Bearer {}", token.expose()))?,
            Auth::Basic { username, password } => {
                let pair = Secret::new(format!("{username}:{}", password.expose()));
                authorization(&mut signed, format!("Basic {}", BASE64_STANDARD.encode(pair.expose())))?;
            }
            Auth::ApiKey { place: ApiKeyPlace::Header(name), value } => {
                put(&mut signed.headers, name.clone(), value.expose(), "poll.request.auth.value")?;
            }
            Auth::ApiKey { place: ApiKeyPlace::Query(name), value } => {
                signed.url = Secret::new(render::with_query(&self.url, name, value.expose()));
            }
            Auth::ApiKey { place: ApiKeyPlace::Path(word), value } => {
                let url = render::with_path_word(&self.url, word, value.expose());
                let missing = || Invalid::new("poll.request.auth.name", format!("`{word}` is not in the URL's path"));
                signed.url = Secret::new(url.ok_or_else(missing)?);
            }
            Auth::ClientCredentials { .. } | Auth::RefreshToken { .. } => {
                let missing = || Invalid::new("poll.request.auth", "there is no access token yet");
                let token = access_token.ok_or_else(missing)?;
                authorization(&mut signed, format!("Bearer {}", token.expose()))?;
            }
        }
        Ok(signed)
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: &str, field: &str) -> Result<(), Invalid> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Invalid::new(field, "cannot stand in a header"))?;
    value.set_sensitive(!matches!(name, header::ACCEPT | header::CONTENT_TYPE | header::USER_AGENT));
    headers.insert(name, value);
    Ok(())
}
