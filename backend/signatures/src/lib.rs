//! Who sent this request, what does the sender call it, and how is what Postern sends signed.
//!
//! Pure functions of configuration, request bytes and the time given: nothing here awaits, does I/O or reads a clock.
//! Bodies are never re-serialised; MACs run over the bytes as they came, comparisons take constant time, and neither a
//! secret nor an expected signature leaves this crate. Start at [`SourceScheme`]; [`outgoing`] is the other direction.

mod body;
mod coded;
mod dedup;
mod examine;
mod fields;
mod form;
mod handshake;
mod heard;
mod jws;
mod key_set;
mod key_url;
mod lookup;
mod mac;
mod multipart;
mod naming;
pub mod outgoing;
mod parameters;
mod preset;
mod public_key;
mod refusal;
mod request;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
mod scheme;
mod schemes;
mod template;
mod verifier;
mod whsec;
mod window;

pub use dedup::DedupRule;
pub use heard::{Examined, Greeting, Heard, KeyRequest, Keyring, Step, Verified};
pub use preset::{ConfigField, Need, Preset, PresetAnswer, PresetScheme, Presets, SecretForm, Trust};
pub use refusal::{Refusal, RefusalCause};
pub use request::RawRequest;
pub use scheme::{Credentials, SourceScheme};

#[cfg(test)]
mod tests;
