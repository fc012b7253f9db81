//! The table of all settings.

use std::{fmt::Write, path::PathBuf};

use clap::Args;
use serde::Deserialize;

macro_rules! settings {
    ($($field:ident: $type:ty, $flag:literal, $env:literal, $default:literal, $help:literal;)+) => {
        /// As given by flag or environment, or by the file.
        #[derive(Clone, Debug, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct Flags {
            $(
                #[arg(long = $flag, env = $env, global = true, help = $help, hide_env_values = true)]
                pub(crate) $field: Option<$type>,
            )+
        }

        impl Flags {
            /// Fills what is missing from `other`.
            pub(super) fn or(self, other: Self) -> Self {
                Self { $($field: self.$field.or(other.$field)),+ }
            }
        }

        const ALL: &[(&str, &str, &str, &str, &str)] = &[$((stringify!($field), $flag, $env, $default, $help)),+];
    };
}

settings! {
    listen: String, "listen", "POSTERN_LISTEN", "127.0.0.1:8080", "Address and port to listen on";
    public_url: String, "public-url", "POSTERN_PUBLIC_URL", "http://LISTEN", "Scheme and host under which people and providers reach this installation; https, or http on a loopback host";
    ingest_url: String, "ingest-url", "POSTERN_INGEST_URL", "the public URL", "A host of its own for the front door";
    data_dir: PathBuf, "data-dir", "POSTERN_DATA_DIR", "./data", "Folder for the SQLite file, the keyring, and presets of one's own as `presets/NAME.toml`";
    database_url: String, "database-url", "POSTERN_DATABASE_URL", "sqlite in the data folder", "sqlite:PATH or postgres://user:password@host/name";
    keys: String, "keys", "POSTERN_KEYS", "the keys file", "Keyring as `k2:base64,k1:base64`; the first key is active";
    keys_file: PathBuf, "keys-file", "POSTERN_KEYS_FILE", "keys in the data folder", "File with the keyring; made with mode 0600 on the first start";
    egress_allow: String, "egress-allow", "POSTERN_EGRESS_ALLOW", "none", "CIDR blocks, comma separated, that may be delivered to although they are private, loopback included";
    egress_https_only: String, "egress-https-only", "POSTERN_EGRESS_HTTPS_ONLY", "false", "Refuse destinations with http://";
    egress_dns: String, "egress-dns", "POSTERN_EGRESS_DNS", "the system's resolver", "DNS server, as address and port, to ask for names of destinations";
    trusted_proxies: String, "trusted-proxies", "POSTERN_TRUSTED_PROXIES", "none", "CIDR blocks, comma separated, whose X-Forwarded-For is believed";
    lease_s: u32, "lease-s", "POSTERN_LEASE_S", "60", "Seconds after which a lease on a delivery runs out, when nothing else freed it; at least 55";
    retention_payload_days: u32, "retention-payload-days", "POSTERN_RETENTION_PAYLOAD_DAYS", "30", "Days that bodies of events and responses are kept";
    retention_metadata_days: u32, "retention-metadata-days", "POSTERN_RETENTION_METADATA_DAYS", "90", "Days that events, deliveries, attempts and requests are kept";
    tenant_rate_per_s: u32, "tenant-rate-per-s", "POSTERN_TENANT_RATE_PER_S", "20000", "Requests a second that one tenant may send to the front door; twice as many at one moment";
    min_poll_interval_s: u32, "min-poll-interval-s", "POSTERN_MIN_POLL_INTERVAL_S", "5", "The shortest interval, in seconds, at which a source may poll; at least 1";
    log: String, "log", "POSTERN_LOG", "info", "Log level, or a filter like `info,postern_pipeline=debug`";
    log_format: String, "log-format", "POSTERN_LOG_FORMAT", "text", "text or json";
    metrics_token: String, "metrics-token", "POSTERN_METRICS_TOKEN", "unset: loopback peers only", "Bearer token for /metrics";
}

/// The reference page, in Markdown.
pub(crate) fn reference() -> String {
    let mut text = String::from(
        "# Settings\n\nPrinted by `postern config-reference`; do not edit.\n\nEach setting is a flag, an environment variable \
         and a key of the TOML file named by `--config`\n(or `POSTERN_CONFIG`). A flag wins over the variable, the \
         variable over the file.\n\n| variable | flag | key | default | |\n|---|---|---|---|---|\n",
    );
    for (key, flag, env, default, help) in ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{env}` | `--{flag}` | `{key}` | {default} | {help} |");
    }
    text.trim_end().to_owned()
}
