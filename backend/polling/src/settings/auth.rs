//! How the requests of a run prove who asks. Secrets are written here and shown nowhere.

use http::{HeaderName, header};
use postern_domain::{Invalid, Secret};
use serde_json::{Map, Value};
use url::Url;

use super::{
    HIDDEN, Secrecy,
    fields::{Fields, MAX_SECRET_BYTES},
    request::{HeaderSetting, check_name},
};

const MAX_SCOPES: usize = 50;
/// A shorter word may stand in the path by chance.
const MIN_PATH_WORD: usize = 4;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    #[default]
    None,
    Bearer {
        token: Secret<String>,
    },
    Basic {
        username: String,
        password: Secret<String>,
    },
    ApiKey {
        place: ApiKeyPlace,
        value: Secret<String>,
    },
    ClientCredentials {
        token_url: String,
        client_id: String,
        client_secret: Secret<String>,
        scopes: Vec<String>,
        audience: Option<String>,
        style: ClientAuth,
    },
    RefreshToken {
        token_url: String,
        client_id: String,
        client_secret: Option<Secret<String>>,
        refresh_token: Secret<String>,
        style: ClientAuth,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKeyPlace {
    Header(HeaderName),
    Query(String),
    /// In place of this text, which stands in the URL's path.
    Path(String),
}

/// Where a token request carries the client's id and secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    #[default]
    Basic,
    Body,
}

#[derive(Clone, Copy)]
enum Kind {
    None,
    Bearer,
    Basic,
    ApiKey,
    ClientCredentials,
    RefreshToken,
}

const KINDS: [(&str, Kind); 6] = [
    ("none", Kind::None),
    ("bearer", Kind::Bearer),
    ("basic", Kind::Basic),
    ("api_key", Kind::ApiKey),
    ("oauth2_client_credentials", Kind::ClientCredentials),
    ("oauth2_refresh", Kind::RefreshToken),
];
const STYLES: [(&str, ClientAuth); 2] = [("basic", ClientAuth::Basic), ("body", ClientAuth::Body)];

impl Auth {
    /// The word that the settings have for it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer { .. } => "bearer",
            Self::Basic { .. } => "basic",
            Self::ApiKey { .. } => "api_key",
            Self::ClientCredentials { .. } => "oauth2_client_credentials",
            Self::RefreshToken { .. } => "oauth2_refresh",
        }
    }

    /// Where tokens are asked for.
    #[must_use]
    pub fn token_url(&self) -> Option<&str> {
        match self {
            Self::ClientCredentials { token_url, .. } | Self::RefreshToken { token_url, .. } => Some(token_url),
            Self::None | Self::Bearer { .. } | Self::Basic { .. } | Self::ApiKey { .. } => None,
        }
    }

    pub(super) fn read(mut fields: Fields<'_>, headers: &[HeaderSetting]) -> Result<Self, Invalid> {
        let auth = match fields.choice("kind", &KINDS)? {
            None if fields.is_given() => return Err(fields.invalid("kind", "is required")),
            None | Some(Kind::None) => Self::None,
            Some(Kind::Bearer) => Self::Bearer { token: header_safe(&mut fields, "token")? },
            Some(Kind::Basic) => read_basic(&mut fields)?,
            Some(Kind::ApiKey) => read_api_key(&mut fields)?,
            Some(Kind::ClientCredentials) => read_client_credentials(&mut fields)?,
            Some(Kind::RefreshToken) => read_refresh_token(&mut fields)?,
        };
        if let Some(name) = auth.header().filter(|name| headers.iter().any(|header| header.name == *name)) {
            let detail =
                format!("would write the header `{name}`, which stands in `request.headers` too; take it out there");
            return Err(fields.invalid("kind", detail));
        }
        fields.finish()?;
        Ok(auth)
    }

    /// The header that carries the proof, if one does.
    fn header(&self) -> Option<HeaderName> {
        match self {
            Self::ApiKey { place: ApiKeyPlace::Header(name), .. } => Some(name.clone()),
            Self::None | Self::ApiKey { .. } => None,
            _ => Some(header::AUTHORIZATION),
        }
    }

    pub(super) fn to_value(&self, secrecy: Secrecy) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        let secret = |secret: &Secret<String>| match secrecy {
            Secrecy::Kept => secret.expose().clone().into(),
            Secrecy::Hidden => Value::from(HIDDEN),
        };
        put("kind", self.kind().into());
        match self {
            Self::None => {}
            Self::Bearer { token } => put("token", secret(token)),
            Self::Basic { username, password } => {
                put("username", username.clone().into());
                put("password", secret(password));
            }
            Self::ApiKey { place, value } => {
                let (place, name) = match place {
                    ApiKeyPlace::Header(name) => ("header", name.as_str()),
                    ApiKeyPlace::Query(name) => ("query", name.as_str()),
                    ApiKeyPlace::Path(name) => ("path", name.as_str()),
                };
                put("in", place.into());
                put("name", name.into());
                put("value", secret(value));
            }
            Self::ClientCredentials { token_url, client_id, client_secret, scopes, audience, style } => {
                put("token_url", token_url.clone().into());
                put("client_id", client_id.clone().into());
                put("client_secret", secret(client_secret));
                put("scopes", scopes.clone().into());
                if let Some(audience) = audience {
                    put("audience", audience.clone().into());
                }
                put("style", style.as_str().into());
            }
            Self::RefreshToken { token_url, client_id, client_secret, refresh_token, style } => {
                put("token_url", token_url.clone().into());
                put("client_id", client_id.clone().into());
                if let Some(client_secret) = client_secret {
                    put("client_secret", secret(client_secret));
                }
                put("refresh_token", secret(refresh_token));
                put("style", style.as_str().into());
            }
        }
        Value::Object(object)
    }

    /// Its secrets and the names of their fields.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, &Secret<String>)> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer { token } => vec![("token", token)],
            Self::Basic { password, .. } => vec![("password", password)],
            Self::ApiKey { value, .. } => vec![("value", value)],
            Self::ClientCredentials { client_secret, .. } => vec![("client_secret", client_secret)],
            Self::RefreshToken { client_secret, refresh_token, .. } => {
                let client_secret = client_secret.iter().map(|secret| ("client_secret", secret));
                client_secret.chain([("refresh_token", refresh_token)]).collect()
            }
        }
    }

    pub(super) fn secrets_mut(&mut self) -> Vec<(&'static str, &mut Secret<String>)> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer { token } => vec![("token", token)],
            Self::Basic { password, .. } => vec![("password", password)],
            Self::ApiKey { value, .. } => vec![("value", value)],
            Self::ClientCredentials { client_secret, .. } => vec![("client_secret", client_secret)],
            Self::RefreshToken { client_secret, refresh_token, .. } => {
                let client_secret = client_secret.iter_mut().map(|secret| ("client_secret", secret));
                client_secret.chain([("refresh_token", refresh_token)]).collect()
            }
        }
    }
}

impl ClientAuth {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Body => "body",
        }
    }
}

fn read_basic(fields: &mut Fields<'_>) -> Result<Auth, Invalid> {
    let username = fields.required("username", "the name, without a colon")?;
    if username.contains(':') {
        return Err(fields.invalid("username", "cannot contain a colon, which parts name and password"));
    }
    // Some APIs take a key for the name and nothing for the password.
    let password = match fields.value("password") {
        Some(Value::String(text)) if text.is_empty() => Secret::new(String::new()),
        _ => secret(fields, "password")?,
    };
    Ok(Auth::Basic { username: username.to_owned(), password })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Header,
    Query,
    Path,
}

fn read_api_key(fields: &mut Fields<'_>) -> Result<Auth, Invalid> {
    let places = [("header", In::Header), ("query", In::Query), ("path", In::Path)];
    let Some(place) = fields.choice("in", &places)? else {
        return Err(fields.invalid("in", "is required: `header`, `query` or `path`"));
    };
    let name = fields.required("name", "of what carries the key: a header, a query parameter, a word in the path")?;
    match place {
        In::Header => {
            let field = fields.at("name");
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::new(&field, "is not a header name"))?;
            check_name(&field, &name)?;
            Ok(Auth::ApiKey { place: ApiKeyPlace::Header(name), value: header_safe(fields, "value")? })
        }
        In::Query => Ok(Auth::ApiKey { place: ApiKeyPlace::Query(name.to_owned()), value: secret(fields, "value")? }),
        In::Path => {
            if name.len() < MIN_PATH_WORD || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                let detail = format!("must be {MIN_PATH_WORD} letters, digits or `_` at least, like TOKEN");
                return Err(fields.invalid("name", detail));
            }
            Ok(Auth::ApiKey { place: ApiKeyPlace::Path(name.to_owned()), value: secret(fields, "value")? })
        }
    }
}

fn read_client_credentials(fields: &mut Fields<'_>) -> Result<Auth, Invalid> {
    let mut scopes = Vec::new();
    for (index, scope) in fields.list("scopes", MAX_SCOPES)?.iter().enumerate() {
        let plain =
            |text: &&str| !text.is_empty() && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic());
        let text = scope.as_str().filter(plain);
        let field = fields.at(&format!("scopes[{index}]"));
        scopes.push(text.ok_or_else(|| Invalid::new(field, "must be visible ASCII without spaces"))?.to_owned());
    }
    Ok(Auth::ClientCredentials {
        token_url: read_token_url(fields)?,
        client_id: fields.required("client_id", "as the provider gave it")?.to_owned(),
        client_secret: secret(fields, "client_secret")?,
        scopes,
        audience: fields.text("audience")?.map(str::to_owned),
        style: fields.choice("style", &STYLES)?.unwrap_or_default(),
    })
}

fn read_refresh_token(fields: &mut Fields<'_>) -> Result<Auth, Invalid> {
    let has_secret = fields.value("client_secret").is_some();
    // A client without a secret has nothing to put into a header.
    let usual = if has_secret { ClientAuth::Basic } else { ClientAuth::Body };
    let style = fields.choice("style", &STYLES)?.unwrap_or(usual);
    if !has_secret && style == ClientAuth::Basic {
        return Err(fields.invalid("style", "must be `body` for a client without a secret"));
    }
    Ok(Auth::RefreshToken {
        token_url: read_token_url(fields)?,
        client_id: fields.required("client_id", "as the provider gave it")?.to_owned(),
        client_secret: has_secret.then(|| secret(fields, "client_secret")).transpose()?,
        refresh_token: secret(fields, "refresh_token")?,
        style,
    })
}

fn read_token_url(fields: &mut Fields<'_>) -> Result<String, Invalid> {
    let name = "token_url";
    let text = fields.required(name, "where tokens are asked for, like https://auth.example.com/token")?;
    let url = Url::parse(text).map_err(|cause| fields.invalid(name, format!("is not a URL: {cause}")))?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "https" | "http") || !is_plain {
        return Err(fields.invalid(name, "must begin with https:// (or http://), without user name or `#`"));
    }
    Ok(url.into())
}

fn secret(fields: &mut Fields<'_>, name: &'static str) -> Result<Secret<String>, Invalid> {
    let text = fields.bounded(name, MAX_SECRET_BYTES)?;
    text.map(|text| Secret::new(text.to_owned())).ok_or_else(|| fields.invalid(name, "is required"))
}

/// A secret that goes into a header as it is.
fn header_safe(fields: &mut Fields<'_>, name: &'static str) -> Result<Secret<String>, Invalid> {
    let secret = secret(fields, name)?;
    if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(fields.invalid(name, "must be visible ASCII"));
    }
    Ok(secret)
}
