//! Moves what was committed from SQLite's log into its file, beside the writer rather than in its way.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use sea_orm::sqlx::{self, SqlitePool};
use tokio::sync::Notify;

use crate::{StoreError, open::Pools, open::Store};

/// Above so many pages (64 MB) the log should begin anew. The syncing that goes with it is felt, so it should be seldom.
const LONG: i64 = 16_000;
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The connection that moves, and whether the writer should have the last word.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) mover: SqlitePool,
    wrote: Arc<Notify>,
    file: Arc<File>,
    long: AtomicBool,
}

impl Log {
    /// `wrote` is told of every commit, whoever makes it.
    ///
    /// # Errors
    /// When the file at `path` cannot be read.
    pub(crate) fn new(mover: SqlitePool, wrote: Arc<Notify>, path: &Path) -> io::Result<Self> {
        Ok(Self { mover, wrote, file: kept_open(path)?, long: AtomicBool::new(false) })
    }

    /// Answers how long the log is.
    async fn move_pages(&self) -> Result<i64, StoreError> {
        let (_busy, pages, _moved): (i64, i64, i64) = sqlx::query_as(CHECKPOINT)
            .fetch_one(&self.mover)
            .await
            .map_err(StoreError::during("moving the log into the SQLite file"))?;
        Ok(pages)
    }

    async fn sync_file(&self) -> Result<(), StoreError> {
        let file = Arc::clone(&self.file);
        let synced = tokio::task::spawn_blocking(move || file.sync_data()).await.unwrap_or(Ok(()));
        synced.map_err(|cause| StoreError::during("syncing the SQLite file")(sqlx::Error::Io(cause)))
    }

    /// The log begins anew only when all of it is in the file, and while others write that is never so: between two
    /// commits the writer moves the few pages that came since.
    pub(crate) async fn finish(&self, writer: &SqlitePool) {
        if self.long.swap(false, Ordering::AcqRel) {
            // What was committed is on disk either way; the next time will do.
            let _ = sqlx::query(CHECKPOINT).execute(writer).await;
        }
    }
}

impl Store {
    /// Returns when something was committed since the last time, or is about to be, so that SQLite's log has more to move.
    /// Never returns on PostgreSQL.
    pub async fn log_has_grown(&self) {
        match &self.inner.pools {
            Pools::Sqlite { log, .. } => log.wrote.notified().await,
            Pools::Postgres { .. } => std::future::pending().await,
        }
    }

    /// Moves what SQLite's log holds into its file. Does nothing on PostgreSQL, which has a process for that.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is lost by that.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let Pools::Sqlite { log, .. } = &self.inner.pools else { return Ok(()) };
        if log.move_pages().await? >= LONG {
            // The slow part, and once more what came meanwhile: what is left for the writer to move and sync is little.
            log.sync_file().await?;
            log.move_pages().await?;
            log.long.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// Closing a file drops every lock that the process has on it, by whatever handle, and SQLite relies on its locks. So
/// each file is opened once, and never closed.
fn kept_open(path: &Path) -> io::Result<Arc<File>> {
    static FILES: Mutex<BTreeMap<PathBuf, Arc<File>>> = Mutex::new(BTreeMap::new());
    let path = path.canonicalize()?;
    let mut files = FILES.lock();
    if let Some(file) = files.get(&path) {
        return Ok(Arc::clone(file));
    }
    let file = Arc::new(File::open(&path)?);
    files.insert(path, Arc::clone(&file));
    Ok(file)
}
