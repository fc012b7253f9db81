//! Logs: to standard error, as text or as one JSON object a line.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::Config;

/// Sets the log up. Again does nothing.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|cause| anyhow::anyhow!("POSTERN_LOG is `{}`: {cause}", config.log))?
        // They log statements and connections, which carry data.
        .add_directive("sqlx=warn".parse()?)
        .add_directive("sea_orm_migration=warn".parse()?)
        .add_directive("tokio_cron_scheduler=warn".parse()?)
        .add_directive("actix_server=warn".parse()?);
    let registry = tracing_subscriber::registry().with(filter);
    let outcome = if config.log_json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(false)).try_init()
    };
    drop(outcome);
    Ok(())
}
