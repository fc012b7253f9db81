//! Escaping of all text in pages: no markup, and nothing that reads differently from what it is.

use std::fmt;

use askama::filters::{Escaper, Html};

/// HTML escaping that also shows what cannot be seen: `[U+202E]` for a character that turns the rest around. Used for
/// every template (`askama.toml`); form values and what is copied are escaped exactly instead.
#[derive(Clone, Copy, Debug)]
pub struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (place, found) in text.char_indices().filter(|(_, found)| is_hidden(*found)) {
            Html.write_escaped_str(&mut dest, &text[plain..place])?;
            write!(dest, "[U+{:04X}]", u32::from(found))?;
            plain = place + found.len_utf8();
        }
        Html.write_escaped_str(&mut dest, &text[plain..])
    }
}

/// Controls, and what changes direction or has no width. Joiners stay: scripts and emoji need them.
const fn is_hidden(found: char) -> bool {
    matches!(found,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        Visible.write_escaped_str(&mut out, text).expect("room");
        out
    }

    #[test]
    fn markup_and_hidden_characters_become_visible() {
        assert_eq!(escaped("a<b> & \"c\""), "a&#60;b&#62; &#38; &#34;c&#34;");
        assert_eq!(escaped("invoice\u{202e}gpj.exe\0"), "invoice[U+202E]gpj.exe[U+0000]");
        assert_eq!(escaped("tab\tline\nGrüße 👩\u{200d}🔧"), "tab\tline\nGrüße 👩\u{200d}🔧");
    }
}
