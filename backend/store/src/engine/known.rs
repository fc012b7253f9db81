//! Whether a body has come before, asked before anything is written.

use postern_domain::{EventId, SourceId, Timestamp};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::{StoreError, open::Store};

const DOING: &str = "looking for a body that came before";

/// Of one request, as [`super::EventRow`] has them.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    pub id: [u8; 16],
    pub body: [u8; 16],
}

impl Store {
    /// The event that brought this body under another id. None for an id that came before: that is a duplicate, whatever
    /// its body.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn replayed(&self, source: SourceId, keys: Keys, now: Timestamp) -> Result<Option<EventId>, StoreError> {
        let reader = self.reader();
        let sql = "SELECT key_hash, event_id FROM dedup_keys WHERE source_id = $1 AND key_hash IN ($2, $3) \
                   AND expires_at > $4";
        let values: [Value; 4] =
            [source.uuid().into(), keys.id.to_vec().into(), keys.body.to_vec().into(), now.as_micros().into()];
        let statement = Statement::from_sql_and_values(reader.get_database_backend(), sql, values);
        let rows = reader.query_all_raw(statement).await.map_err(StoreError::orm(DOING))?;
        let mut replayed = None;
        for row in rows {
            let key: Vec<u8> = row.try_get("", "key_hash").map_err(StoreError::orm(DOING))?;
            if key == keys.id {
                return Ok(None);
            }
            let event: Uuid = row.try_get("", "event_id").map_err(StoreError::orm(DOING))?;
            replayed = Some(EventId::from_uuid(event));
        }
        Ok(replayed)
    }
}
