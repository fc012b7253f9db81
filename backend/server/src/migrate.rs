//! `postern migrate`: the schema, by hand.

use std::process::ExitCode;

use postern_store::Serving;

use crate::{config::Config, open, print, telemetry};

pub(crate) async fn up(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::start(&config)?;
    let store = open::open(&config, Serving::No).await?;
    store.migrate().await?;
    store.close().await;
    status(config).await
}

/// Exit code 1 when a step is missing.
pub(crate) async fn status(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::start(&config)?;
    let store = open::open(&config, Serving::No).await?;
    let steps = store.migrations().await?;
    store.close().await;
    for step in &steps {
        print(&format!("{}  {}", if step.applied { "applied" } else { "missing" }, step.name))?;
    }
    let complete = steps.iter().all(|step| step.applied);
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
