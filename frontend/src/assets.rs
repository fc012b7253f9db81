//! Styles and scripts, embedded at build time. Their paths change with their content, so they may be cached forever.

/// One file.
#[derive(Debug)]
pub struct Asset {
    /// By which templates ask for it.
    pub name: &'static str,
    /// Where it is served: `/assets/theme-….css`.
    pub path: &'static str,
    pub content_type: &'static str,
    pub plain: &'static [u8],
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file at a path, for whoever serves it.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// Where a file is, by its name. Empty for a name that is none; the tests of the pages would see it.
#[must_use]
pub fn href(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_at_its_path_and_small_when_compressed() {
        for asset in ASSETS {
            assert_eq!(find(href(asset.name)).map(|found| found.name), Some(asset.name));
            assert!(asset.gzip.starts_with(&[0x1f, 0x8b]) && asset.gzip.len() < asset.plain.len(), "{}", asset.name);
        }
        assert!(find("/assets/theme.css").is_none() && href("nothing.css").is_empty());
    }

    #[test]
    fn what_we_wrote_stays_small() {
        let size = |name: &str| ASSETS.iter().find(|asset| asset.name == name).expect(name).plain.len();
        assert!(size("theme.css") <= 12_800, "theme.css has {} bytes", size("theme.css"));
        assert!(size("app.js") <= 4_096, "app.js has {} bytes", size("app.js"));
        assert!(size("live.js") <= 2_048, "live.js has {} bytes", size("live.js"));
    }
}
