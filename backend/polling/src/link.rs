//! Reads `Link` headers (RFC 8288) as far as the next page needs.

use http::{HeaderMap, header};

/// The target of the first link that is `rel="next"`.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    values.flat_map(links).find(is_next).map(|link| link.target.to_owned())
}

struct Link<'a> {
    target: &'a str,
    /// Names in lower case.
    params: Vec<(String, String)>,
}

fn is_next(link: &Link<'_>) -> bool {
    let find = |name: &str| link.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    // With an anchor it is a link of something else than this page.
    find("anchor").is_none()
        && find("rel").is_some_and(|rel| rel.split_whitespace().any(|word| word.eq_ignore_ascii_case("next")))
}

/// The links of one header. What cannot be read ends them.
fn links(text: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((target, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else { return found };
        let (params, behind) = params(after);
        found.push(Link { target: target.trim(), params });
        rest = behind;
    }
}

/// The parameters of a link, and what stands behind them.
fn params(text: &str) -> (Vec<(String, String)>, &str) {
    let mut params = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let name = after[..end].trim().to_ascii_lowercase();
        let (value, behind) = match after[end..].strip_prefix('=') {
            Some(value) => param_value(value.trim_start()),
            None => (String::new(), &after[end..]),
        };
        params.push((name, value));
        rest = behind.trim_start();
    }
    (params, rest)
}

/// A token, or a quoted text.
fn param_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut is_escaped = false;
    for (index, letter) in quoted.char_indices() {
        match letter {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return (value, &quoted[index + 1..]),
            _ => {
                value.push(letter);
                is_escaped = false;
            }
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::LINK, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        }
        next(&headers)
    }

    #[test]
    fn the_next_link_is_found_however_it_is_written() {
        let table = [
            (r#"<https://a.example/p?page=2>; rel="next""#, Some("https://a.example/p?page=2")),
            (r#"</p?page=2>;rel=next"#, Some("/p?page=2")),
            (r#"<a>; rel="prev", <b>; rel="next", <c>; rel="last""#, Some("b")),
            (r#"<a,b;c>; rel="next""#, Some("a,b;c")),
            (r#"<a>; title="x, <y>; rel=\"next\""; rel=prev, <b>; REL="last NEXT""#, Some("b")),
            (r#"<a> ; title*=UTF-8''x ; rel = next"#, Some("a")),
            (r#"<a>; rel="next"; anchor="/other", <b>; rel=next"#, Some("b")),
            (r#"<a>; rel=prev; rel=next"#, None),
            (r#"<>; rel=next"#, Some("")),
            (r#"<a>; rel="nextish""#, None),
            (r#"<a; rel="next""#, None),
            (r#"a; rel="next""#, None),
            (r#"<a>; rel="next"#, Some("a")),
            ("", None),
            (",,,", None),
            (";;;=", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(&[text]).as_deref(), expected, "{text}");
        }
        assert_eq!(read(&["<a>; rel=prev", "<b>; rel=next"]).as_deref(), Some("b"));
    }
}
