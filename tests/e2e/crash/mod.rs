//! What happens when something breaks under load: the process, the database, the disk.

mod disk;
mod kill;
mod outage;
mod tally;
mod terminate;

/// Events a second: enough that something is under way at any moment, little enough for two cores and a debug build.
const PER_S: u32 = 200;
