//! A body as it came, and as it can be read.

use serde_json::{Map, Value, value::RawValue};

/// A body with what can be made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) content_type: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn media_type(&self) -> Option<String> {
        let text = self.content_type?.split(';').next()?.trim();
        Some(text.to_ascii_lowercase()).filter(|text| !text.is_empty())
    }

    fn is_form(&self) -> bool {
        self.media_type().is_some_and(|name| name == "application/x-www-form-urlencoded")
    }

    /// Whether the sender says so, or says nothing.
    pub(crate) fn may_be_json(&self) -> bool {
        self.media_type().is_none_or(|name| name == "text/json" || name.ends_with("/json") || name.ends_with("+json"))
    }

    /// JSON or a form, whose fields become texts; of a field that comes several times the last one counts.
    pub(crate) fn read(&self) -> Option<Value> {
        if self.is_form() {
            let fields = url::form_urlencoded::parse(self.bytes);
            let fields: Map<String, Value> =
                fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
            return Some(Value::Object(fields));
        }
        serde_json::from_slice(self.bytes).ok()
    }

    /// The JSON text itself, unless the sender says that it is a form.
    pub(crate) fn json(&self) -> Option<&'a RawValue> {
        if self.is_form() { None } else { serde_json::from_slice(self.bytes).ok() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_forms_can_be_read_and_nothing_else() {
        let form = Some("application/x-www-form-urlencoded; charset=UTF-8");
        let read = |bytes, content_type| Body { bytes, content_type }.read();
        assert_eq!(read(b" {\"a\": 1}\r\n", None), Some(json!({"a": 1})));
        assert_eq!(read(b"To=%2B49&Body=a+b&To=x", form), Some(json!({"To": "x", "Body": "a b"})));
        assert_eq!(read(b"12", form), Some(json!({"12": ""})));
        assert_eq!(read(b"<a/>", Some("text/xml")), None);
    }

    #[test]
    fn the_text_of_json_stays_as_it_came() {
        let json = |bytes, content_type| Body { bytes, content_type }.json().map(RawValue::get);
        assert_eq!(json(b"{\"b\": 1.0,\r\n \"a\": 1e2}\n", None), Some("{\"b\": 1.0,\r\n \"a\": 1e2}"));
        assert_eq!(json(b"12", Some("application/x-www-form-urlencoded")), None);
        assert_eq!(json(b"\xff", None), None);
    }
}
