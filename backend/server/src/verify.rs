//! `postern audit verify`: walks the chains.

use std::process::ExitCode;

use anyhow::Context;
use postern_domain::TenantId;
use postern_store::{Serving, audit::AuditFault};

use crate::{config::Config, open, print, telemetry};

/// Exit code 1 when an entry does not hold; the first of each tenant is named.
pub(crate) async fn verify(config: Config, tenant: Option<String>) -> anyhow::Result<ExitCode> {
    telemetry::start(&config)?;
    let tenant = tenant.map(|text| text.parse::<TenantId>()).transpose().context("--tenant")?;
    let store = open::open(&config, Serving::No).await?;
    let chains = store.verify_audit(tenant).await?;
    store.close().await;
    for chain in &chains {
        match &chain.fault {
            None => print(&format!("{} holds, {} entries", chain.tenant, chain.entries))?,
            Some(fault) => print(&format!("{} DOES NOT HOLD: {}", chain.tenant, told(fault)))?,
        };
    }
    let holds = chains.iter().all(|chain| chain.fault.is_none());
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The entry by its number and id, and what is wrong with it.
fn told(fault: &AuditFault) -> String {
    let id = fault.id.map(|id| format!(" ({id})")).unwrap_or_default();
    format!("entry {}{id}: {}", fault.seq, fault.kind)
}
