//! What is known of providers, for those who show it: presets, and how far what a source takes in can be trusted.

use postern_signatures::{Credentials, SourceScheme};
use postern_store::tenant::Source;

pub use postern_signatures::{ConfigField, Need, Preset, PresetAnswer, PresetScheme, Presets, SecretForm, Trust};

use crate::Engine;

/// Those that come with Postern, and those of the operator.
#[must_use]
pub fn known(engine: &Engine) -> &Presets {
    &engine.presets
}

/// The preset of a source and its scheme; none for one that is configured field by field, and for one whose provider
/// is not known any more.
#[must_use]
pub fn of<'p>(
    presets: &'p Presets,
    provider: Option<&str>,
    scheme: Option<&str>,
) -> Option<(&'p Preset, &'p PresetScheme)> {
    let within = |preset: &'p Preset| preset.scheme(scheme).map(|scheme| (preset, scheme));
    match (provider, scheme) {
        (Some(id), _) => presets.find(id).and_then(within),
        (None, Some(id)) => presets.find(id).and_then(within).or_else(|| presets.all().find_map(within)),
        (None, None) => None,
    }
}

/// What a level means, said of this sender.
#[must_use]
pub fn meaning(trust: Trust, sender: &str) -> String {
    match trust.meaning().strip_prefix("The sender") {
        Some(rest) => format!("{sender}{rest}"),
        None => trust.meaning().to_owned(),
    }
}

/// None for a source that nobody sends to, and for one whose provider is not known any more.
#[must_use]
pub fn trust(presets: &Presets, source: &Source) -> Option<Trust> {
    let credentials = Credentials { secrets: source.secrets.clone(), public_keys: source.public_keys.clone() };
    let (provider, scheme) = (source.provider.as_deref(), source.scheme.as_deref());
    provider.or(scheme)?;
    let parsed = SourceScheme::parse(presets, provider, scheme, &source.config, credentials).ok();
    parsed.map(|scheme| scheme.trust())
}
