//! Writes every page with every sample into a folder, with the files they need, to be looked at in a browser:
//! `cargo run -p postern-frontend --example samples -- FOLDER`, then any server of files, such as
//! `python3 -m http.server --directory FOLDER`.

use std::{env, error::Error, fs, path::PathBuf};

use postern_frontend::{assets::ASSETS, gallery};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("say into which folder")?);
    fs::create_dir_all(folder.join("assets"))?;
    for asset in ASSETS {
        fs::write(folder.join(asset.path.trim_start_matches('/')), asset.plain)?;
    }
    for (name, html) in gallery::shown() {
        fs::write(folder.join(format!("{}.html", name.replace(", ", "-").replace(' ', "-"))), html)?;
    }
    Ok(())
}
