//! The deliveries of an event, each with its tries.

use postern_frontend::{
    format, links,
    pages::event::{AttemptView, DeliveryPanel},
    parts::Fact,
    payload::Payload,
};
use postern_store::read::{Attempt, DeliveryDetail};

use super::{event::Found, event_steps::sentence, event_words as words, rows};

/// The newest of each delivery.
const MAX_SHOWN: usize = 50;

pub(super) fn of(found: &Found) -> Vec<DeliveryPanel> {
    found.detail.deliveries.iter().map(|detail| panel(found, detail)).collect()
}

fn panel(found: &Found, detail: &DeliveryDetail) -> DeliveryPanel {
    let delivery = &detail.delivery;
    let skipped = detail.attempts.len().saturating_sub(MAX_SHOWN);
    let shown = detail.attempts.len() - skipped;
    let hidden = u64::from(delivery.attempts).saturating_sub(shown as u64);
    let attempts = detail.attempts.iter().skip(skipped).enumerate();
    DeliveryPanel {
        id: delivery.id.to_string(),
        destination: found.destination_name(delivery.destination),
        destination_href: links::destination(&found.tenant, &delivery.destination.to_string()),
        connection_href: links::connection(&found.tenant, &delivery.connection.to_string()),
        state: rows::delivery_state(delivery.state, delivery.attempts),
        next_step: sentence(&words::next_step(delivery, &found.around(delivery))),
        tries: words::tries(delivery, found.destination(delivery.destination)),
        can_retry: rows::can_retry(delivery.state),
        can_cancel: rows::can_cancel(delivery.state),
        attempts: attempts.map(|(place, attempt)| view(attempt, place + 1 == shown)).collect(),
        note: (hidden > 0)
            .then(|| format!("{} are not shown.", format::counted(hidden, "earlier try", "earlier tries"))),
    }
}

fn view(attempt: &Attempt, is_last: bool) -> AttemptView {
    let body = attempt.response_body.as_deref();
    let kept = u64::try_from(attempt.response_bytes).unwrap_or(0);
    // One byte more than is kept says that there was more.
    let total = kept + u64::from(attempt.truncated);
    AttemptView {
        number: attempt.number.to_string(),
        state: words::attempt_state(attempt),
        result: words::result(attempt),
        explanation: words::explanation(attempt).to_owned(),
        unknown_outcome: words::is_unknown(attempt.kind),
        started: format::moment_ms(attempt.started_at.as_micros()),
        duration: format::duration_us(attempt.duration_us()),
        actor: words::actor(attempt),
        timings: timings(attempt),
        request_line: format!("{} {}", attempt.method, attempt.url),
        request_headers: rows::headers(&attempt.request_headers),
        response_headers: attempt.response_headers.as_deref().map(rows::headers).unwrap_or_default(),
        response: attempt.status.map(|_| match body {
            Some(body) => Payload::of(body, total),
            None if kept == 0 => Payload::of(&[], 0),
            None => Payload::absent("It is past its retention, or left out because the page would be too large."),
        }),
        open: is_last && !words::is_success(attempt),
    }
}

fn timings(attempt: &Attempt) -> Vec<Fact> {
    let timings = &attempt.timings;
    let parts = [("DNS", timings.dns_us), ("Connected", timings.connect_us), ("First byte", timings.first_byte_us)];
    let known = parts.into_iter().filter_map(|(label, at_us)| Some((label, u64::from(at_us?))));
    let known = known.chain([("In all", attempt.duration_us())]);
    known.map(|(label, at_us)| Fact::new(label, format::duration_us(at_us))).collect()
}
