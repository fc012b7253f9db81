//! Names what went wrong with an exchange that got no answer: from the chain of causes to a kind and a short text.
//!
//! The text may be shown to a tenant, so it never holds an address of ours, nor one that a name led to.

use std::{error::Error, io, iter};

use postern_domain::attempt::ResultKind;

use crate::resolver::LookupError;

/// Texts of strangers (TLS) are cut here.
const MAX_DETAIL_CHARS: usize = 200;

/// The kind and the text for an error of the HTTP client.
pub(crate) fn classify(failure: &reqwest::Error) -> (ResultKind, String) {
    if let Some(cause) = find::<LookupError>(failure) {
        let kind = if *cause == LookupError::Refused { ResultKind::Blocked } else { ResultKind::Dns };
        return (kind, cause.to_string());
    }
    if failure.is_dns() {
        return (ResultKind::Dns, LookupError::Failed.to_string());
    }
    if let Some(cause) = find::<rustls::Error>(failure) {
        return (ResultKind::Tls, format!("TLS: {cause}").chars().take(MAX_DETAIL_CHARS).collect());
    }
    // The innermost: those around it were made to carry it, and say "other".
    let io_kind = causes(failure).filter_map(|cause| cause.downcast_ref()).last().map(io::Error::kind);
    if failure.is_connect() {
        return connect(io_kind);
    }
    if failure.is_builder() {
        return (ResultKind::Internal, "the request could not be built".to_owned());
    }
    let (kind, text) = match find::<hyper::Error>(failure) {
        Some(cause) if cause.is_parse_too_large() => {
            (ResultKind::TooLarge, "the head of the response is larger than Postern reads")
        }
        Some(cause) if cause.is_parse() => (ResultKind::Connect, "the answer is not HTTP"),
        _ => (ResultKind::Connect, "the connection was closed before an answer came"),
    };
    (kind, text.to_owned())
}

/// Whether the request may have reached the receiver: not where its name was not found, no connection was made, or it
/// could not be built.
pub(crate) fn may_have_left(failure: &reqwest::Error) -> bool {
    let never = find::<LookupError>(failure).is_some() || failure.is_dns();
    !(never || failure.is_connect() || failure.is_builder())
}

fn connect(io_kind: Option<io::ErrorKind>) -> (ResultKind, String) {
    let (kind, text) = match io_kind {
        Some(io::ErrorKind::ConnectionRefused) => (ResultKind::Connect, "the connection was refused"),
        Some(io::ErrorKind::ConnectionReset) => (ResultKind::Connect, "the connection was reset"),
        Some(io::ErrorKind::TimedOut) => (ResultKind::Connect, "the host did not answer"),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            (ResultKind::Connect, "the host cannot be reached")
        }
        // A TCP connect has nothing to read, so this is the TLS handshake.
        Some(io::ErrorKind::UnexpectedEof) => (ResultKind::Tls, "TLS: the connection was closed during the handshake"),
        _ => (ResultKind::Connect, "could not connect"),
    };
    (kind, text.to_owned())
}

fn find<E: Error + 'static>(failure: &reqwest::Error) -> Option<&E> {
    causes(failure).find_map(|cause| cause.downcast_ref())
}

/// From the outermost inwards.
fn causes(failure: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let outermost: &(dyn Error + 'static) = failure;
    iter::successors(Some(outermost), |cause| inner(*cause))
}

/// The next cause. An `io::Error` hides the error it was made from: its `source` is already the one after that.
fn inner<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}
