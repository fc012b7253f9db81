//! What a whole list does not have any more.

use postern_polling::{Census, DELETED_AFTER, Record, deletions};

use super::{
    page::{Judged, Taken, record_of},
    run::{Run, Stop},
};

/// Records are read so many at a time.
const READ: u32 = 2_000;
/// Of a source with more records deletions are not looked for.
const MAX_RECORDS: u64 = 200_000;

impl Run {
    /// Emits the deletions of records that this and the list before did not have. Where the list may not have been whole,
    /// that is said and nothing is done.
    pub(super) async fn find_deleted(&mut self) -> Result<(), Stop> {
        let Some(listed) = self.listed.take() else { return Ok(()) };
        let mut unlisted: Vec<Record> = Vec::new();
        let (mut before, mut after) = (0_u64, None);
        loop {
            let rows = self.engine.store.poll_records_after(self.holding.source, after, READ).await?;
            let Some(last) = rows.last().map(|row| row.hash) else { break };
            let is_last = rows.len() < usize::try_from(READ).unwrap_or(usize::MAX);
            for record in rows.into_iter().map(record_of).filter(|record| record.missed < DELETED_AFTER) {
                before += 1;
                if !listed.contains(&record.hash) {
                    unlisted.push(record);
                }
            }
            if is_last || before > MAX_RECORDS {
                break;
            }
            after = Some(last);
        }
        let census = Census {
            is_complete: self.answers.is_whole && before <= MAX_RECORDS,
            is_filtered: self.settings.request.uses_cursor(),
            quarantined: u64::try_from(self.row.counts.quarantined).unwrap_or(0),
            listed: u64::try_from(listed.len()).unwrap_or(u64::MAX),
            before,
        };
        if let Err(reason) = census.check() {
            if before > MAX_RECORDS {
                self.skip_deletions(&format!("it knows more than {MAX_RECORDS} records"));
            } else if !unlisted.is_empty() {
                self.skip_deletions(&reason.to_string());
            }
            return Ok(());
        }
        let mut judged = Judged::default();
        for one in deletions(unlisted) {
            self.add(&mut judged, one, None, &Taken::new());
        }
        self.hold(&mut judged).await?;
        let progress = self.progress.clone();
        self.commit(&judged.page, progress).await
    }
}
