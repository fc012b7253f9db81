//! Which events of a batch are not written, because their source refuses a body that came before under another id.
//!
//! Decides; each database asks for the keys itself, at a moment when nobody else can take them.

use std::collections::{HashMap, HashSet};

use postern_domain::{EventId, SourceId, intake::Replay};

use super::rows::{AcceptBatch, Accepted, EventRow, Written};

/// As `dedup_keys` has them.
pub(super) type Key = (SourceId, [u8; 16]);

/// The events of a batch whose sources refuse such bodies.
pub(super) struct Guarded<'a>(Vec<GuardedEvent<'a>>);

struct GuardedEvent<'a> {
    place: usize,
    event: &'a EventRow,
    id: Key,
    body: Key,
}

impl<'a> Guarded<'a> {
    /// None when there are none, as is usual.
    pub(super) fn of(batch: &'a AcceptBatch) -> Option<Self> {
        let guarded = |(place, event): (usize, &'a EventRow)| {
            let body = event.body_key.filter(|key| key.replay == Replay::Refuse)?;
            let id = event.dedup.as_ref()?;
            Some(GuardedEvent { place, event, id: (event.source, id.hash), body: (event.source, body.hash) })
        };
        let events: Vec<GuardedEvent<'_>> = batch.events.iter().enumerate().filter_map(guarded).collect();
        (!events.is_empty()).then_some(Self(events))
    }

    /// Of their ids and of their bodies.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.0.iter().flat_map(|event| [event.id, event.body])
    }

    /// Which are refused, and for which event, when these keys are held. In the order of the batch, so that of two with
    /// the same body the second is refused. An id that is held makes a duplicate of its event, whatever its body.
    pub(super) fn refused(&self, mut held: HashMap<Key, EventId>) -> Vec<(usize, EventId)> {
        let mut refused = Vec::new();
        for GuardedEvent { place, event, id, body } in &self.0 {
            if held.contains_key(id) {
                continue;
            }
            match held.get(body) {
                Some(first) => refused.push((*place, *first)),
                None => held.extend([(*id, event.id), (*body, event.id)]),
            }
        }
        refused
    }
}

/// A batch without the events that are refused.
pub(super) struct Rest {
    pub(super) batch: AcceptBatch,
    /// Where its events are in the whole one.
    places: Vec<usize>,
    refused: Vec<(usize, EventId)>,
}

impl Rest {
    pub(super) fn new(whole: &AcceptBatch, refused: Vec<(usize, EventId)>) -> Self {
        let gone: HashSet<usize> = refused.iter().map(|(place, _)| *place).collect();
        let places: Vec<usize> = (0..whole.events.len()).filter(|place| !gone.contains(place)).collect();
        let events: Vec<EventRow> = places.iter().filter_map(|place| whole.events.get(*place)).cloned().collect();
        let left: HashSet<EventId> = events.iter().map(|event| event.id).collect();
        let deliveries = whole.deliveries.iter().filter(|row| left.contains(&row.event)).cloned().collect();
        let batch = AcceptBatch { events, deliveries, ..*whole };
        Self { batch, places, refused }
    }

    /// What became of the whole batch, when this became of the rest.
    pub(super) fn of_whole(self, rest: Accepted) -> Accepted {
        let Accepted::Written(rest) = rest else { return rest };
        let place = |place: usize| self.places.get(place).copied();
        Accepted::Written(Written {
            duplicates: rest.duplicates.into_iter().filter_map(|(at, first)| Some((place(at)?, first))).collect(),
            replays: rest.replays.into_iter().filter_map(|(at, first)| Some((place(at)?, first))).collect(),
            refused: self.refused,
        })
    }
}
