//! Measures Postern: the release binary, on SQLite and on PostgreSQL over TCP, with a load generator and a counting
//! receiver in this one process.
//!
//! It starts the servers it measures, with data folders and databases of their own, and removes them. One thread, because
//! it shares the machine with them. Start at [`suite::run`]; what is printed is in [`report`].

mod api;
mod bare_loop;
mod browser;
mod database;
mod http;
mod load;
mod options;
mod punctuality;
mod receiver;
mod relay;
mod report;
mod seed;
mod server;
mod stand;
mod suite;
mod tally;
mod upstream;
mod usage;
mod world;

use anyhow::{Result, bail};
use clap::Parser;

use crate::options::Options;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    tokio::task::LocalSet::new().run_until(measure(options)).await
}

async fn measure(options: Options) -> Result<()> {
    let mut failed = 0;
    for kind in options.databases() {
        failed += suite::run(&options, kind).await?;
    }
    if options.strict && failed > 0 {
        bail!("{failed} bars do not hold");
    }
    Ok(())
}
