//! What is known of the records of a page, and on which day they were last listed.
//!
//! A record that no run lists any more is forgotten after `limits.remember_days`. To know that, each record has a day. It
//! is written anew when a quarter of that time has passed, so an unchanged record costs one write in so many days. A run
//! that has read all there is to list has then seen every record that is still there on a day within that quarter; what
//! is older than the whole time was not there, and the end of the run says so. Runs whose first page is unchanged list
//! nothing, and say nothing: the time of a source stands still until it is read again.

use std::collections::{HashMap, HashSet};

use postern_polling::{Hash, Item, Record, record_hash};
use postern_store::polling::{RecordRow, day_of};

use super::{
    page::{Judged, record_of, row_of},
    run::Run,
};

/// Of the time that a record is remembered, one in so many parts may pass before its day is written anew.
const PARTS: i32 = 4;

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) records: HashMap<Hash, Record>,
    days: HashMap<Hash, Option<i32>>,
}

impl Known {
    pub(super) fn of(rows: Vec<RecordRow>) -> Self {
        let days = rows.iter().map(|row| (row.hash, row.seen_day)).collect();
        Self { records: rows.into_iter().map(|row| (row.hash, record_of(row))).collect(), days }
    }
}

impl Run {
    /// Puts the day on what is written of these items, and adds those that are as they were and whose day is old.
    pub(super) fn mark_seen(&self, judged: &mut Judged, items: &[Item<'_>], known: &Known) {
        let today = day_of(self.engine.clock.now());
        let remember_days = i32::try_from(self.settings.limits.remember_days).unwrap_or(i32::MAX);
        let day = |hash: &Hash| seen_day(known.days.get(hash).copied().flatten(), today, remember_days);
        let rows = &mut judged.page.records;
        rows.iter_mut().for_each(|row| row.seen_day = Some(day(&row.hash)));
        let written: HashSet<Hash> = rows.iter().map(|row| row.hash).collect();
        let others = items.iter().map(|item| record_hash(&item.id)).filter(|hash| !written.contains(hash));
        let is_old = |hash: &Hash| known.days.get(hash).is_some_and(|known| *known != Some(day(hash)));
        let old: HashSet<Hash> = others.filter(is_old).collect();
        let records = old.iter().filter_map(|hash| known.records.get(hash)).cloned();
        rows.extend(records.map(|record| RecordRow { seen_day: Some(today), ..row_of(record) }));
    }
}

/// The day to write of a record that is listed today.
fn seen_day(known: Option<i32>, today: i32, remember_days: i32) -> i32 {
    let lasts = (remember_days / PARTS).max(1);
    known.filter(|day| today.saturating_sub(*day) < lasts).unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_anew_when_a_quarter_of_the_time_has_passed() {
        for (known, today, expected) in
            [(None, 1_000, 1_000), (Some(1_000), 1_000, 1_000), (Some(901), 1_000, 901), (Some(900), 1_000, 1_000)]
        {
            assert_eq!(seen_day(known, today, 400), expected, "{known:?}");
        }
        assert_eq!(seen_day(Some(999), 1_000, 7), 1_000);
    }

    #[test]
    fn what_is_listed_is_never_older_than_what_is_forgotten() {
        for remember_days in [7, 8, 30, 400, 3_650] {
            let mut known = None;
            for today in 1_000..9_000 {
                known = Some(seen_day(known, today, remember_days));
                assert!(known >= Some(today - remember_days), "{remember_days}: day {today}");
            }
        }
    }
}
