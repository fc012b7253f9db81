//! Opens the keyring and the database for a command.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
};

use anyhow::{Context, bail};
use postern_domain::{Clock, Secret};
use postern_seal::Keyring;
use postern_store::{Options, Serving, Store};

use crate::config::Config;

/// The store, not migrated.
pub(crate) async fn open(config: &Config, serving: Serving) -> anyhow::Result<Store> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("making the data folder {}", config.data_dir.display()))?;
    let keyring = keyring(config)?;
    let options = Options { url: config.database_url.clone(), serving };
    Ok(Store::open(&options, keyring, Clock::System).await?)
}

fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    let text = match &config.keys {
        Some(text) => text.clone(),
        None => read_or_make(config)?,
    };
    Keyring::parse(text.expose()).context("the keyring cannot be used")
}

fn read_or_make(config: &Config) -> anyhow::Result<Secret<String>> {
    let path = &config.keys_file;
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mode = std::fs::metadata(path)?.permissions().mode();
            if mode & 0o077 != 0 {
                bail!("{} can be read by others: chmod 600 it", path.display());
            }
            return Ok(Secret::new(text.trim().to_owned()));
        }
        Err(cause) if cause.kind() == ErrorKind::NotFound => {}
        Err(cause) => return Err(cause).with_context(|| format!("reading {}", path.display())),
    }
    let text = Keyring::generate();
    // Two commands that start at once must not overwrite each other's key: the file appears whole, and once.
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("making {}", draft.display()))?;
    writeln!(file, "{}", text.expose())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(text),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            Ok(Secret::new(std::fs::read_to_string(path)?.trim().to_owned()))
        }
        Err(cause) => Err(cause).with_context(|| format!("making {}", path.display())),
    }
}
