//! What the suite is asked to do.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::load::{Pace, Plan};

/// Measures Postern: one JSON line for each figure.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// Only this part of the suite (repeatable)
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Only this database (repeatable)
    #[arg(long, value_enum)]
    database: Vec<Kind>,
    /// How long each run sends
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Runs of each kind; the figure is their median
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Connections of the load generator
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Events a second where latency is measured
    #[arg(long, default_value_t = 200.0)]
    pub(crate) rate: f64,
    /// Finished deliveries of the seeded past
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) past: u64,
    /// Events of the tenant whose pages are read
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// Reads of each page in each round; the figure is the best round's
    #[arg(long, default_value_t = 40)]
    pub(crate) reads: usize,
    /// Due deliveries of the destination that never answers
    #[arg(long, default_value_t = 200_000)]
    pub(crate) backlog: u64,
    /// Sources that are polled; then twice as many
    #[arg(long, default_value_t = 10_000)]
    pub(crate) polls: usize,
    /// How long polling is looked at; the last minute of it counts for nothing but CPU time
    #[arg(long, default_value_t = 180.0)]
    pub(crate) poll_seconds: f64,
    /// A PostgreSQL on which databases may be made and dropped, reached over TCP
    #[arg(long, env = "POSTERN_BENCH_POSTGRES_URL", hide_env_values = true)]
    pub(crate) postgres_url: Option<String>,
    /// The server to measure (default: the `postern` beside this program)
    #[arg(long)]
    server: Option<PathBuf>,
    /// End with an error when a bar does not hold
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Deliveries a second in a closed loop, CPU time, memory
    Throughput,
    /// End to end at a steady rate
    Latency,
    /// What a large history costs
    Past,
    /// What a destination that never answers costs the others
    Backlog,
    /// What a noisy tenant costs the others
    Noisy,
    /// A database that is a millisecond away
    Delay,
    /// Pages of a tenant with a million events
    Pages,
    /// Sources that are polled every minute
    Polling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub(crate) fn databases(&self) -> Vec<Kind> {
        let all = [Kind::Sqlite, Kind::Postgres];
        all.into_iter().filter(|kind| self.database.is_empty() || self.database.contains(kind)).collect()
    }

    pub(crate) fn program(&self) -> Result<PathBuf> {
        if let Some(path) = &self.server {
            return Ok(path.clone());
        }
        let own = std::env::current_exe().context("finding this program")?;
        Ok(own.with_file_name("postern"))
    }

    pub(crate) fn plan(&self, pace: Pace) -> Plan {
        let duration = Duration::from_secs_f64(self.seconds);
        Plan { pace, connections: self.connections, duration }
    }
}
