//! What an attempt sends: the event's body as it came, or what its connection asks for instead.

use std::sync::Arc;

use bytes::Bytes;
use postern_catalogue::{Catalogue, Incoming, render};
use postern_domain::{EventId, SourceId, Timestamp, payload::PayloadFormat};
use postern_seal::token::sha256;
use postern_store::engine::SentBody;

/// A larger body is rendered on a thread of its own, so that nothing else waits for it.
const QUICK_BYTES: usize = 64 * 1024;

/// How a body is to be made that is not the event's own; a raw connection has none of these.
#[derive(Clone, Debug)]
pub(crate) struct Rendering {
    pub(crate) format: PayloadFormat,
    pub(crate) source: SourceId,
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) event_type: String,
    pub(crate) received_at: Timestamp,
}

/// What is signed and sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Bytes,
    pub(crate) content_type: Option<String>,
    /// To be remembered, where it is not the event's own body.
    pub(crate) note: Option<SentBody>,
}

impl Outgoing {
    /// A raw body is neither read nor copied.
    pub(crate) async fn of(
        rendering: Option<&Rendering>,
        event: EventId,
        body: &Bytes,
        content_type: Option<&str>,
    ) -> Self {
        let content_type = content_type.map(str::to_owned);
        let raw = Self { body: body.clone(), content_type, note: None };
        match rendering.cloned() {
            None => raw,
            Some(rendering) if body.len() <= QUICK_BYTES => rendering.apply(event, raw),
            Some(rendering) => {
                let work = {
                    let raw = raw.clone();
                    move || rendering.apply(event, raw)
                };
                match tokio::task::spawn_blocking(work).await {
                    Ok(outgoing) => outgoing,
                    Err(cause) => {
                        // The caller turns it into an attempt that failed, as with any panic.
                        std::panic::resume_unwind(Box::new(cause.to_string()));
                    }
                }
            }
        }
    }
}

impl Rendering {
    fn apply(&self, event: EventId, raw: Outgoing) -> Outgoing {
        let incoming = Incoming {
            event,
            source: self.source,
            provider: self.provider.as_deref(),
            event_type: &self.event_type,
            received_at: self.received_at,
            content_type: raw.content_type.as_deref(),
            body: &raw.body,
        };
        let Some(rendered) = render(Catalogue::builtin(), self.format, &incoming) else { return raw };
        let note = SentBody { sha256: sha256(&rendered.body), bytes: rendered.body.len() };
        Outgoing {
            body: Bytes::from(rendered.body),
            content_type: Some(rendered.content_type.to_owned()),
            note: Some(note),
        }
    }
}
