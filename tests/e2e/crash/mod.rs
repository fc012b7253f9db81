//! What happens when something breaks under load: the process, the database, the disk.

mod disk;
mod kill;
mod outage;
pub(crate) mod tally;
mod terminate;

use tokio::sync::{Mutex, MutexGuard};

/// Events a second: enough that something is under way at any moment, little enough for two cores and a debug build.
const PER_S: u32 = 200;

/// Tests that put a machine under load take turns, or they would measure each other. The others run beside them.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}
