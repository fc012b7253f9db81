//! The files that come with Postern. A test says so when the folder and this list differ.

macro_rules! presets {
    ($($id:literal)*) => {
        &[$(($id, include_str!(concat!("../../presets/", $id, ".toml")))),*]
    };
}

/// Id and text.
pub(crate) const FILES: &[(&str, &str)] = presets! {
    "github"
    "standard-webhooks"
    "stripe"
};
