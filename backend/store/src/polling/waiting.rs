//! Whether what a source made last is still on its way.

use postern_domain::SourceId;

use super::writing::{Bind, look};
use crate::{Store, StoreError};

const DOING: &str = "looking for the last event of a source";

impl Store {
    /// Whether the newest event of the source has a delivery that is not finished.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_last_event_waiting(&self, source: SourceId) -> Result<bool, StoreError> {
        let sql = "SELECT delivery_id FROM queue WHERE event_id = \
                   (SELECT id FROM events WHERE source_id = $1 ORDER BY id DESC LIMIT 1) LIMIT 1";
        let found: Vec<(uuid::Uuid,)> = look(self, DOING, sql, &[Bind::Uuid(source.uuid())]).await?;
        Ok(!found.is_empty())
    }
}
