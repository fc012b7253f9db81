//! The lock beside a SQLite file: one `serve` at a time.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

/// Holds the lock until dropped, and is released by the system when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct ServeLock(#[expect(dead_code, reason = "held, not read")] File);

impl ServeLock {
    /// `None`: another process holds it.
    pub(crate) fn take(database: &Path) -> std::io::Result<Option<Self>> {
        let path = database.with_extension("lock");
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Some(Self(file)))
    }
}
