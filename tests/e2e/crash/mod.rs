//! What happens when something breaks under load: the process, the database, the disk.

mod disk;
mod kill;
mod outage;
pub(crate) mod tally;
mod terminate;

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

const KILLS: &str = "POSTERN_E2E_KILLS";
const USUAL_KILLS: usize = 20;
/// Events a second: enough that something is under way at any moment, little enough for two cores and a debug build.
const PER_S: u32 = 200;

/// Tests that put a machine under load take turns, or they would measure each other. The others run beside them.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// How often a test kills a server.
pub(crate) fn kills() -> usize {
    std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL_KILLS)
}

/// SplitMix64: the same moments in every run.
pub(crate) fn random_ms(chance: &mut u64, from: u64, to: u64) -> Duration {
    *chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *chance;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Duration::from_millis(from + (mixed ^ (mixed >> 31)) % (to - from))
}
