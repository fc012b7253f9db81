//! Pages that can show themselves, so that each is tested without a browser or a database.

/// At least `empty`, `usual` and `hostile`: markup in every text, endless names, text that runs the other way.
pub trait Sample: Sized {
    /// Each with its name.
    fn samples() -> Vec<(&'static str, Self)>;
}
