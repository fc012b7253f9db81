//! The operator's own presets: `presets/*.toml` in the data folder, read once at start.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, bail, ensure};
use postern_pipeline::Presets;

const FOLDER: &str = "presets";
const MAX_FILES: usize = 1_000;
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Those that come with Postern, and the operator's. A file that cannot be used is named, with the field at fault.
pub(crate) fn read(data_dir: &Path) -> anyhow::Result<Presets> {
    let folder = data_dir.join(FOLDER);
    let mut files = Vec::new();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Presets::builtin().clone()),
        Err(cause) => return Err(cause).with_context(|| format!("reading {}", folder.display())),
    };
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(file(&path)?);
        }
    }
    ensure!(files.len() <= MAX_FILES, "{} holds more than {MAX_FILES} presets", folder.display());
    files.sort_unstable();
    Presets::with_files(&files).with_context(|| format!("a preset in {} cannot be used", folder.display()))
}

/// Its name without `.toml`, which is the preset's id, and its text.
fn file(path: &Path) -> anyhow::Result<(String, String)> {
    let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
        bail!("{}: the name of a preset is its id, in plain letters", path.display());
    };
    let bytes = fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
    ensure!(bytes <= MAX_FILE_BYTES, "{} is larger than {MAX_FILE_BYTES} bytes", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok((name.to_owned(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_folder_there_are_those_that_come_with_it() {
        let presets = read(Path::new("/nowhere/at/all")).expect("those that come with it");
        assert!(presets.find("stripe").is_some());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let folder =
            std::env::temp_dir().join(format!("postern-presets-{}", postern_domain::id::fresh_uuid().simple()));
        fs::create_dir_all(folder.join(FOLDER)).expect("a folder");
        fs::write(folder.join(FOLDER).join("mine.toml"), "name = 7").expect("written");
        let told = format!("{:#}", read(&folder).expect_err("not a preset"));
        assert!(told.contains("mine") && told.contains("name"), "{told}");
        fs::write(folder.join(FOLDER).join("mine.toml"), "").expect("written");
        fs::write(folder.join(FOLDER).join("notes.txt"), "of no concern").expect("written");
        assert!(format!("{:#}", read(&folder).expect_err("empty")).contains("mine"));
        fs::remove_file(folder.join(FOLDER).join("mine.toml")).expect("removed");
        assert!(read(&folder).is_ok());
        let _ = fs::remove_dir_all(folder);
    }
}
