//! A request once more, as a command line.

use postern_frontend::parts::Header;

/// A longer body is downloaded instead of being pasted.
const MAX_PASTED_BYTES: usize = 64 * 1024;
/// What curl says by itself, or what belongs to the connection it came by.
const NOT_REPEATED: [&str; 8] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "expect",
    "x-forwarded-for",
    "x-forwarded-proto",
];

/// A POST of these bytes. A body that a terminal cannot take as it is, is read from `file`, which is its download.
pub(super) fn command(url: &str, headers: &[Header], body: &[u8], file: &str) -> String {
    let mut lines = vec![format!("curl -X POST {}", quoted(url))];
    let repeated = headers.iter().filter(|header| is_repeated(header));
    lines.extend(repeated.map(|header| format!("-H {}", quoted(&header_line(header)))));
    if !headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-type")) {
        // Otherwise curl makes one up.
        lines.push("-H 'content-type:'".to_owned());
    }
    let pasted = std::str::from_utf8(body).ok().filter(|text| text.len() <= MAX_PASTED_BYTES && is_plain(text));
    lines.push(match pasted {
        Some(text) => format!("--data-raw {}", quoted(text)),
        None => format!("--data-binary {}", quoted(&format!("@{file}"))),
    });
    lines.join(" \\\n  ")
}

/// For a POSIX shell: within single quotes nothing means anything but a single quote.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A control character could end the paste in a terminal, and what follows would be typed.
fn is_plain(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_control() || letter == '\n' || letter == '\t')
}

fn is_repeated(header: &Header) -> bool {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    !header.name.is_empty()
        && header.name.chars().all(is_name)
        && !header.value.chars().any(char::is_control)
        && !NOT_REPEATED.iter().any(|name| header.name.eq_ignore_ascii_case(name))
}

/// curl sends an empty value only when it is told with a semicolon.
fn header_line(header: &Header) -> String {
    if header.value.is_empty() { format!("{};", header.name) } else { format!("{}: {}", header.name, header.value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn what_a_sender_chose_stays_within_its_quotes() {
        let headers = [header("content-type", "a'; rm -rf ~; '"), header("Host", "x"), header("x;y", "1")];
        let text = command("http://x/in/a", &headers, b"it's $HOME `id`\n", "evt.txt");
        let expected = [
            "curl -X POST 'http://x/in/a'",
            r"-H 'content-type: a'\''; rm -rf ~; '\'''",
            "--data-raw 'it'\\''s $HOME `id`\n'",
        ];
        assert_eq!(text, expected.join(" \\\n  "));
    }

    #[test]
    fn what_a_terminal_would_act_on_is_read_from_a_file() {
        for body in [&b"\x1b[201~id\n"[..], b"\0", b"\xff", "x".repeat(MAX_PASTED_BYTES + 1).as_bytes()] {
            let text = command("u", &[header("a", "\x1b"), header("b", "")], body, "evt.bin");
            assert_eq!(text, "curl -X POST 'u' \\\n  -H 'b;' \\\n  -H 'content-type:' \\\n  --data-binary '@evt.bin'");
        }
    }
}
