//! Secrets that are shown as `***` and come back as `***`: what is stored stays.
//!
//! It stays only where it was meant to go. Who may edit a source must not learn its secrets by sending them to a host of
//! their own, so another origin needs the secrets anew.

use postern_domain::{Invalid, Secret};
use url::Url;

use super::{Auth, HIDDEN, HeaderSetting, PollSettings};
use crate::template::Template;

impl PollSettings {
    /// Puts what is stored in the place of each [`HIDDEN`].
    ///
    /// # Errors
    /// When there is nothing stored for one of them, or it would go to another origin than before.
    pub fn merge_secrets(&mut self, stored: Option<&Self>) -> Result<(), Invalid> {
        let origin = self.request.origin();
        let goes_where_it_went = stored.is_some_and(|stored| origin.is_some() && stored.request.origin() == origin);
        for header in self.request.headers.iter_mut().filter(|header| header.value.as_str() == HIDDEN) {
            let field = format!("poll.request.headers.{}", header.name);
            let kept = stored.and_then(|stored| kept_header(header, &stored.request.headers));
            header.value = checked(&field, kept, goes_where_it_went)?.clone();
        }
        let stored_auth = stored.map(|stored| &stored.request.auth);
        let same_issuer = stored_auth.is_some_and(|stored| token_origin(stored) == token_origin(&self.request.auth));
        let kind = self.request.auth.kind();
        let kept: Vec<_> = stored_auth.filter(|stored| stored.kind() == kind).map(Auth::secrets).unwrap_or_default();
        for (name, secret) in self.request.auth.secrets_mut() {
            if secret.expose() != HIDDEN {
                continue;
            }
            let field = format!("poll.request.auth.{name}");
            let found = kept.iter().find(|(known, _)| *known == name).map(|(_, secret)| *secret);
            let found: &Secret<String> = checked(&field, found, goes_where_it_went && same_issuer)?;
            *secret = found.clone();
        }
        Ok(())
    }
}

fn kept_header<'a>(header: &HeaderSetting, stored: &'a [HeaderSetting]) -> Option<&'a Template> {
    stored.iter().find(|known| known.name == header.name).map(|known| &known.value)
}

fn checked<'a, T>(field: &str, kept: Option<&'a T>, goes_where_it_went: bool) -> Result<&'a T, Invalid> {
    match kept {
        None => {
            Err(Invalid::new(field, format!("`{HIDDEN}` stands for a stored value, and there is none: write it out")))
        }
        Some(_) if !goes_where_it_went => {
            Err(Invalid::new(field, "must be written out again: it would go to another host than it was given for"))
        }
        Some(kept) => Ok(kept),
    }
}

fn token_origin(auth: &Auth) -> Option<url::Origin> {
    auth.token_url().and_then(|url| Url::parse(url).ok()).map(|url| url.origin())
}

#[cfg(test)]
mod tests;
