//! Collects what a filter lets through, chunk by chunk, until a page is full or enough was looked at.

use uuid::Uuid;

use super::{CHUNK, SCAN, Slice};

/// Rows that the database looks through at once for those that fit.
pub(super) const WINDOW: usize = 6_000;
/// So many such windows by one call.
const WINDOWS: usize = 4;

/// Whether rows that are read may be left out of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filtered {
    Yes,
    /// The same, and each row has others looked up that lie anywhere: it counts twice.
    Beside,
    /// The database leaves out most of what does not fit, within a window of so many rows.
    InWindows,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Done,
}

#[derive(Debug)]
pub(super) struct Gathering<T> {
    limit: usize,
    chunk: usize,
    /// What a row that was looked at counts.
    weight: usize,
    scanned: usize,
    slice: Slice<T>,
}

impl<T> Gathering<T> {
    /// `below`: where the list begins, if not at its top.
    pub(super) fn new(limit: usize, below: Option<Uuid>, filtered: Filtered) -> Self {
        let chunk = match filtered {
            Filtered::Yes | Filtered::InWindows => CHUNK,
            Filtered::Beside => CHUNK / 2,
            // One more than the page shows tells whether there is another.
            Filtered::No => limit + 1,
        };
        let weight = if filtered == Filtered::Beside { 2 } else { 1 };
        Self { limit, chunk, weight, scanned: 0, slice: Slice { rows: Vec::new(), next: below } }
    }

    /// Ids below this one make the next chunk.
    pub(super) const fn below(&self) -> Option<Uuid> {
        self.slice.next
    }

    /// How many rows to read next.
    pub(super) const fn chunk(&self) -> usize {
        self.chunk
    }

    /// Takes in a chunk: the keys that were read, in their order, each with its row if the filter let it through.
    pub(super) fn take(&mut self, read: Vec<(Uuid, Option<T>)>) -> Progress {
        self.take_window(read, None)
    }

    /// The same of a window that ends with this key; `None`: with the list.
    pub(super) fn take_window(&mut self, read: Vec<(Uuid, Option<T>)>, end: Option<Uuid>) -> Progress {
        self.scanned += read.len() * self.weight;
        let exhausted = read.len() < self.chunk;
        for (key, row) in read {
            if self.slice.rows.len() == self.limit {
                return Progress::Done;
            }
            self.slice.next = Some(key);
            self.slice.rows.extend(row);
        }
        if exhausted {
            self.slice.next = end;
            self.scanned += SCAN / WINDOWS;
        }
        if (exhausted && end.is_none()) || self.scanned >= SCAN || self.slice.rows.len() == self.limit {
            Progress::Done
        } else {
            Progress::More
        }
    }

    pub(super) fn finish(self) -> Slice<T> {
        self.slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(from: u128, count: usize, pass: impl Fn(u128) -> bool) -> Vec<(Uuid, Option<u128>)> {
        (0..count as u128).map(|step| from - step).map(|key| (Uuid::from_u128(key), pass(key).then_some(key))).collect()
    }

    #[test]
    fn an_unfiltered_page_ends_where_its_last_row_is() {
        let mut page = Gathering::new(2, None, Filtered::No);
        assert_eq!(page.take(rows(9, 3, |_| true)), Progress::Done);
        let page = page.finish();
        assert_eq!((page.rows, page.next), (vec![9, 8], Some(Uuid::from_u128(8))));
        let mut last = Gathering::new(2, page.next, Filtered::No);
        assert_eq!(last.take(rows(7, 2, |_| true)), Progress::Done);
        assert_eq!(last.finish().next, None);
    }

    #[test]
    fn a_rare_row_is_looked_for_within_bounds_and_can_be_gone_on_for() {
        let (mut page, mut top) = (Gathering::new(5, None, Filtered::Yes), 1_000_000);
        let rare = top - SCAN as u128 + 1;
        let mut chunks = 1;
        while page.take(rows(top, page.chunk(), |key| key == rare)) == Progress::More {
            (chunks, top) = (chunks + 1, top - CHUNK as u128);
        }
        let page = page.finish();
        assert_eq!((chunks, page.rows), (SCAN / CHUNK, vec![rare]));
        assert_eq!(page.next, Some(Uuid::from_u128(1_000_000 - SCAN as u128 + 1)));
    }

    #[test]
    fn rows_with_others_beside_them_are_looked_at_half_as_often() {
        let (mut page, mut looked_at) = (Gathering::new(5, None, Filtered::Beside), 0);
        loop {
            looked_at += page.chunk();
            if page.take(rows(1_000_000 - looked_at as u128, page.chunk(), |_| false)) == Progress::Done {
                break;
            }
        }
        assert_eq!(looked_at, SCAN / 2);
    }

    #[test]
    fn windows_without_a_row_are_left_behind_until_enough_was_looked_at() {
        let mut page: Gathering<u128> = Gathering::new(5, None, Filtered::InWindows);
        let mut ends = (1..=WINDOWS as u128).map(|place| Uuid::from_u128(1_000_000 - place * WINDOW as u128));
        let progress: Vec<Progress> = ends.clone().map(|end| page.take_window(Vec::new(), Some(end))).collect();
        assert_eq!(progress, [Progress::More, Progress::More, Progress::More, Progress::Done]);
        assert_eq!(page.finish().next, ends.next_back());
        let mut last: Gathering<u128> = Gathering::new(5, None, Filtered::InWindows);
        assert_eq!(last.take_window(rows(9, 2, |_| true), None), Progress::Done);
        let last = last.finish();
        assert_eq!((last.rows, last.next), (vec![9, 8], None));
    }

    #[test]
    fn a_full_page_goes_on_right_after_its_last_row() {
        let mut page = Gathering::new(2, None, Filtered::Yes);
        assert_eq!(page.take(rows(1_000, CHUNK, |key| key % 10 == 0)), Progress::Done);
        let page = page.finish();
        assert_eq!((page.rows, page.next), (vec![1_000, 990], Some(Uuid::from_u128(990))));
    }
}
