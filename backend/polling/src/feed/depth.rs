//! How deep a page of XML is nested, before it is parsed: the parser of feeds calls itself for some elements, and a stranger
//! could make it do so until the process ends.
//!
//! What this reader and the parser might see differently is refused: bytes that XML does not have, and marks that only look
//! like the beginning of a comment or an instruction.

/// Deeper than any feed, its XHTML included.
const MAX_DEPTH: usize = 200;

/// # Errors
/// Says what is wrong with the page.
pub(super) fn check(page: &[u8]) -> Result<(), &'static str> {
    // NUL stands in UTF-16, ESC in encodings whose letters hide bytes that look like tags. Nobody writes feeds in them.
    if page.iter().any(|byte| matches!(byte, 0 | 0x1b)) {
        return Err("it is in an encoding that is not read here; UTF-8 is");
    }
    let (mut rest, mut depth) = (page, 0_usize);
    let mut has_begun = false;
    while let Some(start) = rest.iter().position(|byte| *byte == b'<') {
        let mark = &rest[start..];
        let skipped = match mark {
            [b'<', b'!', b'-', b'-', b'>', ..] | [b'<', b'!', b'-', b'-', b'-', b'>', ..] | [b'<', b'?', b'>', ..] => {
                None
            }
            [b'<', b'!', b'-', b'-', ..] => behind(mark, 4, b"-->"),
            [b'<', b'?', ..] => behind(mark, 2, b"?>"),
            [b'<', b'!', b'[', ..] if mark.starts_with(b"<![CDATA[") => behind(mark, 9, b"]]>"),
            // What stands in a document type ends nothing while nothing has begun.
            [b'<', b'!', ..] if !has_begun => Some(2),
            [b'<', b'!', ..] => None,
            [b'<', b'/', ..] => {
                depth = depth.saturating_sub(1);
                end_of_tag(mark)
            }
            _ => {
                let end = end_of_tag(mark);
                let is_closed = end.is_some_and(|end| mark[..end].ends_with(b"/>"));
                has_begun = true;
                depth += usize::from(!is_closed);
                end
            }
        };
        if depth > MAX_DEPTH {
            return Err("its elements stand too deep inside each other");
        }
        rest = skipped.and_then(|skipped| mark.get(skipped..)).ok_or("it is not well-formed XML")?;
    }
    Ok(())
}

/// The position behind the first `end` from `from` on.
fn behind(mark: &[u8], from: usize, end: &[u8]) -> Option<usize> {
    let found = mark.get(from..)?.windows(end.len()).position(|window| window == end)?;
    Some(from + found + end.len())
}

/// The position behind the `>` of a tag; one in quotes is part of a value.
fn end_of_tag(mark: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (position, byte) in mark.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return Some(position + 1),
            _ => {}
        }
    }
    None
}
