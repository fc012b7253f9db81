//! Cuts a batch into few sizes, so that SQLite's statements are few and stay prepared.

use std::ops::Range;

/// Ranges of 32, then 8, then 1 that cover `0..len`.
pub(super) fn pieces(len: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let size = [32, 8, 1].into_iter().find(|size| start + size <= len)?;
        start += size;
        Some(start - size..start)
    })
}

/// `(?,?),(?,?)` for `rows` rows of `columns`.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

/// `?,?,?`
pub(super) fn marks(count: usize) -> String {
    vec!["?"; count].join(",")
}
