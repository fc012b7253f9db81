//! From a provider's request to a signed delivery, and what is on record about it.

mod account;
mod bin;
mod delay;
mod front_door;
mod hold;
mod operation;
mod payload;
mod presets;
mod retry;
