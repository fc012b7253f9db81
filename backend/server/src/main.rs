//! The binary `postern`: reads the configuration, wires the rooms together, and runs one command.
//!
//! No rule of the business lives here. Start at [`cli`], then [`serve`].

mod bootstrap;
mod cli;
mod config;
mod huge_pages;
mod migrate;
mod open;
mod presets;
mod serve;
mod telemetry;
mod verify;

use std::{io::Write, path::Path, process::ExitCode};

use anyhow::Context;

use clap::Parser;

use crate::cli::{AuditCommand, Cli, Command, MigrateCommand};

/// Less memory than the system's allocator under many threads, and faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    huge_pages::refuse();
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(cause) => {
            report(&cause);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "an error of the command line goes to its user")]
fn report(cause: &anyhow::Error) {
    eprintln!("postern: {cause:#}");
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Openapi => print(&postern_web::openapi::document()),
        Command::ConfigReference => print(&config::reference()),
        Command::ProviderReference { folder } => provider_reference(&folder),
        Command::Serve(options) => {
            let config = config::load(&cli.settings)?;
            runtime()?.block_on(serve::serve(config, options.role))
        }
        Command::Bootstrap(options) => {
            let config = config::load(&cli.settings)?;
            runtime()?.block_on(bootstrap::bootstrap(config, options))
        }
        Command::Migrate(MigrateCommand::Up) => runtime()?.block_on(migrate::up(config::load(&cli.settings)?)),
        Command::Migrate(MigrateCommand::Status) => runtime()?.block_on(migrate::status(config::load(&cli.settings)?)),
        Command::Audit(AuditCommand::Verify { tenant }) => {
            runtime()?.block_on(verify::verify(config::load(&cli.settings)?, tenant))
        }
    }
}

fn provider_reference(folder: &Path) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    for (name, text) in postern_web::provider_docs::documents() {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("postern").build()
}

/// Answers of commands go to standard output, logs to standard error. A reader that has gone is not an error.
pub(crate) fn print(text: &str) -> anyhow::Result<ExitCode> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(cause) => Err(cause.into()),
    }
}
