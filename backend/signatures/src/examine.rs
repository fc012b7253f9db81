//! Tells of a request step by step what was right about it, and which step it failed at.
//!
//! The steps are read off the outcome: all schemes look at what must be there first, then at the time, then at the
//! signature, and each cause of a refusal belongs to one of these.

use crate::{
    heard::{Heard, Step},
    refusal::{Refusal, RefusalCause},
    verifier::Verifier,
};

/// The steps up to the one that failed, or all of them.
pub(crate) fn steps(verifier: &Verifier, outcome: &Result<Heard, Refusal>) -> Vec<Step> {
    let passed = |name: &'static str, detail: String| Step { name, ok: true, detail };
    if let Ok(Heard::Greeting(greeting)) = outcome {
        let detail = format!("it is the greeting `{}`, answered with status {}", greeting.kind, greeting.status);
        return vec![passed("greeting", detail)];
    }
    let failed = outcome.as_ref().err();
    let mut steps = Vec::new();
    for (name, detail) in order(verifier, outcome) {
        if let Some(refusal) = failed.filter(|refusal| step_of(refusal.cause) == name) {
            steps.push(Step { name, ok: false, detail: format!("expected {}", refusal.expected) });
            return steps;
        }
        steps.push(passed(name, detail));
    }
    if let Some(refusal) = failed {
        steps.push(Step { name: step_of(refusal.cause), ok: false, detail: format!("expected {}", refusal.expected) });
    }
    if let Ok(Heard::NeedsKey(wanted)) = outcome {
        steps.push(Step { name: "key", ok: false, detail: format!("expected the sender's key from {}", wanted.url) });
    }
    steps
}

/// What is looked at, in this order, with what is to be said when it is right.
fn order(verifier: &Verifier, outcome: &Result<Heard, Refusal>) -> Vec<(&'static str, String)> {
    if let Ok(Heard::NeedsKey(_)) = outcome {
        return vec![("headers", "all that the scheme needs is there".to_owned())];
    }
    let place = verifier.place().unwrap_or_else(|| "all that the scheme needs".to_owned());
    let mut order = match verifier {
        Verifier::Open => Vec::new(),
        _ => vec![("headers", format!("{place} is there and can be read"))],
    };
    if let Some(past_s) = verifier.window() {
        let detail = match past_s {
            Some(past_s) => format!("it was signed at most {past_s} s before, as this source allows"),
            None => "its time is as this source allows".to_owned(),
        };
        order.push(("timestamp", detail));
    }
    let verified = match outcome {
        Ok(Heard::Event(verified)) => Some(verified),
        _ => None,
    };
    let which = verified.and_then(|verified| verified.secret_index).map_or(1, |place| place + 1);
    match verifier {
        Verifier::Open => order.push(("signature", "this source verifies nothing".to_owned())),
        Verifier::Token(_) => order.push(("token", format!("it is secret number {which} of this source"))),
        _ => order.push(("signature", format!("it fits secret or key number {which} of this source"))),
    }
    if let Some(verified) = verified {
        let text = |name: &Option<String>| name.as_ref().map_or("none".to_owned(), |name| format!("`{name}`"));
        let detail = format!("the event's id is {}, its type {}", text(&verified.event_id), text(&verified.event_type));
        order.push(("names", detail));
    }
    order
}

const fn step_of(cause: RefusalCause) -> &'static str {
    match cause {
        RefusalCause::MissingHeader | RefusalCause::MalformedHeader => "headers",
        RefusalCause::MalformedBody => "body",
        RefusalCause::TimestampTooOld | RefusalCause::TimestampTooNew => "timestamp",
        RefusalCause::SignatureMismatch => "signature",
        RefusalCause::WrongToken => "token",
        RefusalCause::NoSecret => "secret",
    }
}
