//! The commands and their flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Flags;

#[derive(Debug, Parser)]
#[command(name = "postern", version, about = "The gateway for webhooks, polling and asynchronous calls")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// A TOML file with any of the settings
    #[arg(long, global = true, value_name = "PATH", env = "POSTERN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Migrate, then serve until SIGTERM
    Serve(ServeOptions),
    /// Create a tenant with its owner and an all-scopes API key; exit code 2 when the tenant exists
    Bootstrap(BootstrapOptions),
    /// The schema
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Print the reference of all settings, in Markdown
    ConfigReference,
    /// Write what is known of each provider into a folder, in Markdown
    ProviderReference {
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// The audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// Accept and deliver
    All,
    /// Accept only; deliveries wait for a worker
    Http,
    /// Deliver only
    Worker,
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) role: Role,
}

#[derive(Debug, Args)]
pub(crate) struct BootstrapOptions {
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,
    /// The owner
    #[arg(long, value_name = "EMAIL")]
    pub(crate) email: String,
    /// Read the owner's password from standard input: the first line, 12 to 128 characters
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Answer with one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply what is missing
    Up,
    /// List the steps and whether they are applied
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the chain of every tenant; exit code 1 names the first entry that does not hold
    Verify {
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
    },
}
