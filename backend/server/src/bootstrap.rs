//! `postern bootstrap`: a tenant, its owner and a key. On an empty data folder too.

use std::process::ExitCode;

use postern_store::{
    Serving,
    bootstrap::{Bootstrapped, NewTenant},
};

use crate::{cli::BootstrapOptions, config::Config, open, print, telemetry};

/// The tenant exists: nothing was changed.
const EXISTS: u8 = 2;

pub(crate) async fn bootstrap(config: Config, options: BootstrapOptions) -> anyhow::Result<ExitCode> {
    telemetry::start(&config)?;
    let new = NewTenant::parse(&options.tenant, &options.email)?;
    let store = open::open(&config, Serving::No).await?;
    store.migrate().await?;
    let outcome = store.bootstrap(&new).await?;
    store.close().await;
    let Bootstrapped::Created { tenant, user, email, api_key } = outcome else {
        print(&format!("there is a tenant `{}` already; nothing was changed", options.tenant.trim()))?;
        return Ok(ExitCode::from(EXISTS));
    };
    if options.json {
        let line = serde_json::json!({
            "tenant_id": tenant, "user_id": user, "email": email, "api_key": api_key.expose(),
        });
        return print(&line.to_string());
    }
    print(&format!("tenant   {tenant}\nowner    {email} ({user})\nAPI key  {}   (shown this once)", api_key.expose()))
}
