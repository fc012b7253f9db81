//! What was kept of somebody's traffic, as JSON can show it: headers as they were stored, bytes as text where they are.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

/// Headers, stored as a JSON object. What is not one, which we would not have written, is shown as a text.
pub(crate) fn headers(stored: String) -> Option<Box<RawValue>> {
    RawValue::from_string(stored).or_else(|_| to_raw_value("unreadable")).ok()
}

/// Bytes: as text when they are UTF-8, otherwise in base64.
#[derive(Serialize, ToSchema)]
#[schema(as = KeptBody)]
pub(crate) struct BodyView {
    body: String,
    /// `base64` when the bytes are not UTF-8; missing otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

impl BodyView {
    /// `truncated`: the bytes may end within a character, which does not make them binary.
    pub(crate) fn of(bytes: Vec<u8>, truncated: Truncated) -> Self {
        let text = match String::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(cause) => {
                let (whole, broken) = (cause.utf8_error().valid_up_to(), cause.utf8_error().error_len());
                let mut bytes = cause.into_bytes();
                if truncated == Truncated::Yes && broken.is_none() {
                    bytes.truncate(whole);
                }
                String::from_utf8(bytes)
            }
        };
        match text {
            Ok(body) => Self { body, encoding: None },
            Err(cause) => Self { body: STANDARD.encode(cause.as_bytes()), encoding: Some("base64") },
        }
    }
}

/// Whether there was more of the bytes than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truncated {
    Yes,
    No,
}

impl From<bool> for Truncated {
    fn from(truncated: bool) -> Self {
        if truncated { Self::Yes } else { Self::No }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], truncated: Truncated) -> String {
        serde_json::to_string(&BodyView::of(bytes.to_vec(), truncated)).expect("JSON")
    }

    #[test]
    fn bytes_are_shown_as_text_where_they_are_text() {
        assert_eq!(shown("é\0".as_bytes(), Truncated::No), r#"{"body":"é\u0000"}"#);
        assert_eq!(shown(&[0xff, 0x00], Truncated::No), r#"{"body":"/wA=","encoding":"base64"}"#);
    }

    #[test]
    fn a_cut_within_a_character_does_not_make_a_text_binary() {
        assert_eq!(shown(&"aé".as_bytes()[..2], Truncated::Yes), r#"{"body":"a"}"#);
        assert_eq!(shown(&"aé".as_bytes()[..2], Truncated::No), r#"{"body":"YcM=","encoding":"base64"}"#);
        assert_eq!(shown(&[0xff, b'a'], Truncated::Yes), r#"{"body":"/2E=","encoding":"base64"}"#);
    }

    #[test]
    fn headers_are_passed_on_as_they_are_stored() {
        let shown = |text: &str| serde_json::to_string(&headers(text.to_owned())).expect("JSON");
        assert_eq!(shown(r#"{"a":"b"}"#), r#"{"a":"b"}"#);
        assert_eq!(shown("{"), r#""unreadable""#);
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
