//! How a row is written: CSV after RFC 4180, or a JSON object on a line of its own.

use serde_json::Value;

/// In which a spreadsheet sees the beginning of a formula, the wide forms of East Asian input methods among them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// At which one program or the other begins a new cell, even where a quote says otherwise.
const ENDS_A_CELL: [char; 4] = [';', '\t', '\r', '\n'];
/// Not shown, and skipped by some programs on their way to what is.
const UNSEEN: [char; 4] = ['\u{200b}', '\u{200e}', '\u{2060}', '\u{feff}'];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

impl Format {
    /// As it stands in a query.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::Jsonl),
            _ => None,
        }
    }

    /// Also the ending of a file's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl",
        }
    }

    /// What stands before the first row.
    pub(super) fn head(self, columns: &[&str]) -> String {
        match self {
            Self::Csv => format!("{}\r\n", columns.join(",")),
            Self::Jsonl => String::new(),
        }
    }

    /// Adds a row with its end.
    pub(super) fn write(self, text: &mut String, columns: &[&str], record: &[Value]) {
        match self {
            Self::Csv => {
                for (place, value) in record.iter().enumerate() {
                    text.push_str(if place == 0 { "" } else { "," });
                    cell(text, value);
                }
                text.push_str("\r\n");
            }
            Self::Jsonl => {
                for (place, (column, value)) in columns.iter().zip(record).enumerate() {
                    text.push_str(if place == 0 { "{\"" } else { ",\"" });
                    text.push_str(column);
                    text.push_str("\":");
                    text.push_str(&value.to_string());
                }
                text.push_str("}\n");
            }
        }
    }
}

fn cell(text: &mut String, value: &Value) {
    match value {
        Value::Null => {}
        // A number is ours: its minus begins no formula.
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::String(value) => quoted(text, value),
        Value::Array(_) | Value::Object(_) => quoted(text, &value.to_string()),
    }
}

/// In quotes, with an apostrophe before each formula: wherever a cell begins, were the quotes not understood.
fn quoted(text: &mut String, value: &str) {
    text.push('"');
    for (place, part) in value.split_inclusive(ENDS_A_CELL).enumerate() {
        let shown = part.trim_start_matches(|letter: char| letter.is_whitespace() || UNSEEN.contains(&letter));
        // What begins with a tab or a line's end is read by some as if it began behind it.
        let begins_unseen = place == 0 && shown.is_empty() && part.ends_with(['\t', '\r', '\n']);
        if begins_unseen || shown.starts_with(FORMULA) {
            text.push('\'');
        }
        text.push_str(&part.replace('"', "\"\""));
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn csv(value: &Value) -> String {
        let mut text = String::new();
        cell(&mut text, value);
        text
    }

    #[test]
    fn a_formula_is_text_wherever_a_spreadsheet_would_begin_a_cell() {
        for formula in ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"] {
            for before in ["", " ", "\u{a0} ", "\u{3000}", "\u{feff}"] {
                let written = csv(&json!(format!("{before}{formula}")));
                assert!(written.starts_with("\"'"), "{written:?}");
            }
        }
        assert_eq!(csv(&json!("=HYPERLINK(\"x\")")), "\"'=HYPERLINK(\"\"x\"\")\"");
        // Where the list separator is a semicolon, a quote after a comma means nothing.
        assert_eq!(csv(&json!("a;=1;b; +2\n@c")), "\"a;'=1;b;' +2\n'@c\"");
    }

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        assert_eq!(csv(&json!("a,\r\nb \"c\" =1")), "\"a,\r\nb \"\"c\"\" =1\"");
        assert_eq!((csv(&json!(-5)), csv(&Value::Null), csv(&json!(""))), ("-5".into(), "".into(), "\"\"".into()));
        assert_eq!(csv(&json!({ "a": "=1" })), "\"{\"\"a\"\":\"\"=1\"\"}\"");
    }

    #[test]
    fn a_row_is_a_line_with_its_fields_in_order() {
        let (columns, record) = (["b", "a"], [json!("x\n"), json!(1)]);
        let mut text = Format::Csv.head(&columns);
        Format::Csv.write(&mut text, &columns, &record);
        assert_eq!(text, "b,a\r\n\"x\n\",1\r\n");
        let mut text = Format::Jsonl.head(&columns);
        Format::Jsonl.write(&mut text, &columns, &record);
        assert_eq!(text, "{\"b\":\"x\\n\",\"a\":1}\n");
    }
}
