//! Writes `docs/catalogue.md`, or another file that is named: `cargo run -p postern-catalogue --example document [FILE]`.

use std::{env, error::Error, fs, path::PathBuf};

use postern_catalogue::{Catalogue, document};

fn main() -> Result<(), Box<dyn Error>> {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalogue.md");
    let file = env::args_os().nth(1).map_or_else(usual, PathBuf::from);
    fs::write(file, document::markdown(Catalogue::builtin())?)?;
    Ok(())
}
