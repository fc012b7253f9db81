//! `postern bootstrap`: a tenant, its owner and a key. On an empty data folder too.

use std::process::ExitCode;

use anyhow::Context;
use postern_domain::Secret;
use postern_seal::password;
use postern_store::{
    Serving,
    bootstrap::{Bootstrapped, NewTenant},
};

use crate::{cli::BootstrapOptions, config::Config, open, print, telemetry};

/// The tenant exists: nothing was changed.
const EXISTS: u8 = 2;

pub(crate) async fn bootstrap(config: Config, options: BootstrapOptions) -> anyhow::Result<ExitCode> {
    telemetry::start(&config)?;
    let mut new = NewTenant::parse(&options.tenant, &options.email)?;
    if options.password_stdin {
        new.password_hash = Some(password::hash(&first_line()?)?);
    }
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

fn first_line() -> anyhow::Result<Secret<String>> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("reading the password from standard input")?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
