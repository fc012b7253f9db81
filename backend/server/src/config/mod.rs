//! The settings: from flags, environment and a TOML file, in that order; checked once, before anything starts.
//!
//! One table in [`fields`] names every setting with its flag, variable, key, default and explanation; the reference page
//! is printed from it.

mod fields;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, bail, ensure};
use ipnet::IpNet;
use postern_domain::{Secret, address::AddressList, destination::MAX_TIMEOUT_MS};
use postern_store::Retention;

pub(crate) use fields::{Flags, reference};

use crate::cli::Settings;

/// Between the longest request and the end of its lease: room to begin and to settle.
const LEASE_MARGIN_S: u32 = 10;

/// All settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) ingest_url: Option<String>,
    pub(crate) data_dir: PathBuf,
    pub(crate) database_url: String,
    pub(crate) keys: Option<Secret<String>>,
    pub(crate) keys_file: PathBuf,
    pub(crate) egress_allow: Vec<IpNet>,
    pub(crate) egress_https_only: bool,
    pub(crate) egress_dns: Option<SocketAddr>,
    pub(crate) trusted_proxies: AddressList,
    pub(crate) lease_s: u32,
    pub(crate) retention: Retention,
    pub(crate) tenant_rate_per_s: u32,
    pub(crate) min_poll_interval_s: u32,
    pub(crate) log: String,
    pub(crate) log_json: bool,
    pub(crate) metrics_token: Option<Secret<String>>,
}

/// Reads and checks all settings.
pub(crate) fn load(settings: &Settings) -> anyhow::Result<Config> {
    let mut flags = settings.flags.clone();
    if let Some(path) = &settings.config {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let file: Flags = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        flags = flags.or(file);
    }
    check(flags)
}

fn check(flags: Flags) -> anyhow::Result<Config> {
    let data_dir = flags.data_dir.unwrap_or_else(|| PathBuf::from("./data"));
    let lease_s = flags.lease_s.unwrap_or(60);
    let shortest = MAX_TIMEOUT_MS / 1_000 + LEASE_MARGIN_S;
    ensure!(
        lease_s >= shortest,
        "POSTERN_LEASE_S is {lease_s}: a lease must outlive the longest request, so use {shortest} or more"
    );
    let retention = Retention {
        payload_days: flags.retention_payload_days.unwrap_or(30),
        metadata_days: flags.retention_metadata_days.unwrap_or(90),
    };
    ensure!(
        (1..=3_650).contains(&retention.payload_days) && (1..=3_650).contains(&retention.metadata_days),
        "POSTERN_RETENTION_PAYLOAD_DAYS and POSTERN_RETENTION_METADATA_DAYS must be 1 to 3650"
    );
    let min_poll_interval_s = flags.min_poll_interval_s.unwrap_or(5);
    ensure!((1..=86_400).contains(&min_poll_interval_s), "POSTERN_MIN_POLL_INTERVAL_S must be 1 to 86400");
    let allow = list(flags.egress_allow.as_deref());
    let egress_allow = allow
        .iter()
        .map(|text| {
            text.parse::<IpNet>().with_context(|| format!("POSTERN_EGRESS_ALLOW: `{text}` is not a CIDR block"))
        })
        .collect::<Result<_, _>>()?;
    let trusted_proxies = AddressList::parse("POSTERN_TRUSTED_PROXIES", &list(flags.trusted_proxies.as_deref()))?;
    Ok(Config {
        listen: parsed("POSTERN_LISTEN", flags.listen.as_deref().unwrap_or("127.0.0.1:8080"))?,
        public_url: flags.public_url.map(|url| checked_url("POSTERN_PUBLIC_URL", &url)).transpose()?,
        ingest_url: flags.ingest_url.map(|url| checked_url("POSTERN_INGEST_URL", &url)).transpose()?,
        database_url: flags.database_url.unwrap_or_else(|| format!("sqlite:{}", data_dir.join("postern.db").display())),
        keys: flags.keys.map(Secret::new),
        keys_file: flags.keys_file.unwrap_or_else(|| data_dir.join("keys")),
        data_dir,
        egress_allow,
        egress_https_only: switch("POSTERN_EGRESS_HTTPS_ONLY", flags.egress_https_only.as_deref())?,
        egress_dns: flags.egress_dns.as_deref().map(|text| parsed("POSTERN_EGRESS_DNS", text)).transpose()?,
        trusted_proxies,
        lease_s,
        retention,
        tenant_rate_per_s: flags.tenant_rate_per_s.unwrap_or(20_000).max(1),
        min_poll_interval_s,
        log: flags.log.unwrap_or_else(|| "info".to_owned()),
        log_json: match flags.log_format.as_deref().unwrap_or("text") {
            "text" => false,
            "json" => true,
            other => bail!("POSTERN_LOG_FORMAT is `{other}`: use text or json"),
        },
        metrics_token: flags.metrics_token.filter(|token| !token.is_empty()).map(Secret::new),
    })
}

fn list(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn parsed<T: std::str::FromStr>(name: &str, text: &str) -> anyhow::Result<T> {
    text.parse().ok().with_context(|| format!("{name}: `{text}` is not an address with a port, like 127.0.0.1:8080"))
}

fn switch(name: &str, text: Option<&str>) -> anyhow::Result<bool> {
    match text.unwrap_or_default() {
        "" | "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        other => bail!("{name} is `{other}`: use true or false"),
    }
}

/// Sessions and webhooks over plain http would be readable on the way, so http is for loopback only.
fn checked_url(name: &str, text: &str) -> anyhow::Result<String> {
    let url = url::Url::parse(text).with_context(|| format!("{name}: `{text}` is not a URL"))?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => bail!("{name} is `{text}`: use https (http only for a loopback host)"),
    }
    ensure!(
        url.path() == "/" && url.query().is_none() && url.username().is_empty(),
        "{name} is `{text}`: give scheme and host only"
    );
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Flags)) -> anyhow::Result<Config> {
        let mut flags = Flags::default();
        change(&mut flags);
        check(flags)
    }

    #[test]
    fn settings_that_would_break_a_promise_are_refused() {
        assert!(with(|_| ()).is_ok());
        assert!(with(|flags| flags.lease_s = Some(54)).is_err());
        assert!(with(|flags| flags.lease_s = Some(55)).is_ok());
        for url in ["http://example.com", "ftp://localhost", "https://example.com/path", "https://u@example.com", "x"] {
            assert!(with(|flags| flags.public_url = Some(url.to_owned())).is_err(), "{url}");
        }
        for url in ["https://example.com", "http://localhost:8080", "http://127.0.0.1:1/", "http://[::1]"] {
            assert!(with(|flags| flags.public_url = Some(url.to_owned())).is_ok(), "{url}");
        }
        assert!(with(|flags| flags.egress_allow = Some("10.0.0.0/33".to_owned())).is_err());
        assert!(with(|flags| flags.trusted_proxies = Some("nobody".to_owned())).is_err());
        assert!(with(|flags| flags.egress_https_only = Some("maybe".to_owned())).is_err());
    }

    #[test]
    fn an_unknown_key_in_the_file_is_refused() {
        assert!(toml::from_str::<Flags>("listen = '127.0.0.1:1'").is_ok());
        assert!(toml::from_str::<Flags>("lissten = '127.0.0.1:1'").is_err());
    }

    #[test]
    fn the_reference_names_every_setting() {
        let text = reference();
        for name in
            ["POSTERN_LISTEN", "POSTERN_KEYS_FILE", "POSTERN_LEASE_S", "--egress-allow", "`retention_payload_days`"]
        {
            assert!(text.contains(name), "{name}");
        }
    }
}
