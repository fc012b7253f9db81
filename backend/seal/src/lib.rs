//! The keyring and what is made with it: secrets sealed at rest, the audit chain's MAC, signed cursors, API keys, tokens,
//! passwords, and what keeps a browser's session honest.
//!
//! Nothing here reads a file, a clock or a database; keys come in as text and values go out as bytes. Ciphertext is bound
//! to its place, so that a value moved to another row, column or tenant does not open. Start reading at [`Keyring`].

pub mod api_key;
pub mod csrf;
mod cursor;
mod keyring;
pub mod password;
mod purpose;
mod sealed;
pub mod session;
pub mod token;

pub use keyring::{Keyring, KeyringError};
pub use sealed::{OpenError, Place, SealError};

#[cfg(test)]
mod tests;
