//! One file for each way of proving who sent a request. Each reads its configuration, and says which secret fits.

mod carrier;
mod keys;
pub(crate) mod signed;
pub(crate) mod standard_webhooks;
pub(crate) mod token;

use crate::refusal::{Refusal, RefusalCause};

/// What was signed, or by whom, was not what it should be.
fn mismatch(what: &str, secrets: usize) -> Refusal {
    let whose = if secrets == 1 { "the secret".to_owned() } else { format!("one of the {secrets} secrets") };
    Refusal::new(RefusalCause::SignatureMismatch, format!("{what} made with {whose} of this source"))
}
