//! Cuts a batch into few sizes, so that SQLite's statements are few and stay prepared.

use std::ops::Range;

/// Ranges of 128 and 64 that cover `0..len`, and one for what is left: each size is a statement of its own, so they are
/// few enough to stay prepared, and a usual batch is one or two of them.
pub(super) fn pieces(len: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let left = len - start;
        let size = [128, 64].into_iter().find(|size| *size <= left).unwrap_or(left);
        start += size;
        (size > 0).then(|| start - size..start)
    })
}

/// `(?,?),(?,?)` for `rows` rows of `columns`.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    repeated(&format!("({})", marks(columns)), rows)
}

/// `?,?,?`
pub(super) fn marks(count: usize) -> String {
    repeated("?", count)
}

/// `count` times `text`, with commas between.
pub(super) fn repeated(text: &str, count: usize) -> String {
    let mut all = format!("{text},").repeat(count);
    all.pop();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_once() {
        assert_eq!(pieces(0).count(), 0);
        assert_eq!(pieces(13).next(), Some(0..13));
        assert_eq!(pieces(256 + 40).collect::<Vec<_>>(), [0..128, 128..256, 256..296]);
    }
}
