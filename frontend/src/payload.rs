//! A body as text that can be looked at: bounded, and only laid out anew where that changes nothing of its content.

use serde::de::IgnoredAny;

use crate::format;

/// So much of a body is shown; the rest can be downloaded.
pub const MAX_SHOWN_BYTES: usize = 64 * 1024;
/// Of a body that is not text.
const MAX_HEX_BYTES: usize = 512;
const HEX_PER_LINE: usize = 16;

/// A body of a request or an answer, bounded and readable.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// `JSON`, `text`, `binary, shown as hex`.
    pub kind: String,
    pub size: String,
    pub text: String,
    /// What is not shown: `the first 64 kB`.
    pub note: Option<String>,
    /// Instead of the text: `kept for 30 days; deleted on 2 November`.
    pub absent: Option<String>,
}

impl Payload {
    /// `body` may be less than the `total_bytes` that there were.
    #[must_use]
    pub fn of(body: &[u8], total_bytes: u64) -> Self {
        let size = format::bytes(total_bytes);
        if total_bytes == 0 {
            return Self { kind: "empty".to_owned(), size, absent: Some("No body.".to_owned()), ..Self::default() };
        }
        let shown = &body[..body.len().min(MAX_SHOWN_BYTES)];
        let (kind, text, shown_bytes) = match readable(shown) {
            None => {
                let head = &shown[..shown.len().min(MAX_HEX_BYTES)];
                ("binary, shown as hex", hex_lines(head), head.len())
            }
            Some(text) => match indented(text) {
                Some(json) => ("JSON", json, text.len()),
                None => ("text", text.to_owned(), text.len()),
            },
        };
        let whole = u64::try_from(shown_bytes).is_ok_and(|shown_bytes| shown_bytes >= total_bytes);
        let note = (!whole).then(|| format!("The first {} of {size}.", format::bytes(shown_bytes as u64)));
        Self { kind: kind.to_owned(), size, text, note, absent: None }
    }

    /// A body that is no longer there, and why.
    #[must_use]
    pub fn absent(why: impl Into<String>) -> Self {
        Self { absent: Some(why.into()), ..Self::default() }
    }
}

/// The text of a body that is one; a character that was cut through at the end is left out.
fn readable(body: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(fault) if fault.error_len().is_none() => std::str::from_utf8(&body[..fault.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.is_empty() && !text.contains('\0')).then_some(text)
}

/// JSON over several lines. Only white space between its parts is changed: numbers, order and escapes stay as they came.
fn indented(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut parts = text.chars().peekable();
    while let Some(found) = parts.next() {
        if in_string {
            out.push(found);
            in_string = escaped || found != '"';
            escaped = found == '\\' && !escaped;
            continue;
        }
        match found {
            ' ' | '\t' | '\n' | '\r' => {}
            '{' | '[' => {
                while parts.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                out.push(found);
                match parts.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(found);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = found == '"';
                out.push(found);
            }
        }
        // Deep nesting is mostly indentation; then it is better read as it came.
        if out.len() > MAX_SHOWN_BYTES * 8 {
            return None;
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

fn hex_lines(bytes: &[u8]) -> String {
    let line = |(number, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let text: String = chunk.iter().map(shown).collect();
        format!("{:06x}  {:<47}  {text}", number * HEX_PER_LINE, hex.join(" "))
    };
    bytes.chunks(HEX_PER_LINE).enumerate().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &[u8]) -> Payload {
        Payload::of(body, body.len() as u64)
    }

    #[test]
    fn json_is_laid_out_and_nothing_else_of_it_changes() {
        let payload = shown(br#"{"b":1.10,"a":[1,{"x":"\"{ ,"}],"e":{ },"n":12345678901234567890123}"#);
        let expected = [
            "{",
            "  \"b\": 1.10,",
            "  \"a\": [",
            "    1,",
            "    {",
            "      \"x\": \"\\\"{ ,\"",
            "    }",
            "  ],",
            "  \"e\": {},",
            "  \"n\": 12345678901234567890123",
            "}",
        ];
        assert_eq!((payload.kind.as_str(), payload.text), ("JSON", expected.join("\n")));
        assert_eq!(payload.note, None);
    }

    #[test]
    fn what_is_not_json_is_text_or_hex() {
        let text = shown("a=1&b=grüße".as_bytes());
        assert_eq!((text.kind.as_str(), text.text.as_str()), ("text", "a=1&b=grüße"));
        assert_eq!(shown(b"{\"half\":").kind, "text");
        let hex = shown(b"\x89PNG\r\n\x1a\n");
        assert_eq!(hex.text, format!("000000  {:<47}  .PNG....", "89 50 4e 47 0d 0a 1a 0a"));
        assert!(shown(b"").absent.is_some());
    }

    #[test]
    fn only_the_head_of_a_large_body_is_shown() {
        let long = "é".repeat(MAX_SHOWN_BYTES);
        let payload = shown(format!("x{long}").as_bytes());
        assert!(payload.text.len() < MAX_SHOWN_BYTES && payload.note.is_some_and(|note| note.contains("65")));
        let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(shown(deep.as_bytes()).kind, "text");
        assert!(shown(&vec![0; 10_000]).text.lines().count() == MAX_HEX_BYTES / HEX_PER_LINE);
    }
}
