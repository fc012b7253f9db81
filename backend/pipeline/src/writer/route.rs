//! Which connections an event goes to, and which of its deliveries can leave at once. Decides; writes nothing.

use std::sync::Arc;

use postern_domain::{
    AttemptId, ConnectionId, DeliveryId, DestinationId, Timestamp, destination::DestinationKind, payload::PayloadFormat,
};
use postern_store::engine::{DeliveryRow, EventRow};

use crate::{
    delay,
    engine::Engine,
    entry::{ConnectionEntry, DestinationEntry},
    lanes::{NoSlot, Slot},
    rendering::Rendering,
    routing::Maps,
};

/// A delivery that is written already leased, because there is a slot for it now.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) delivery: DeliveryRow,
    pub(crate) token: AttemptId,
    pub(crate) destination: Arc<DestinationEntry>,
    pub(crate) slot: Slot,
    pub(crate) rendering: Option<Box<Rendering>>,
}

#[derive(Debug, Default)]
pub(crate) struct Routed {
    pub(crate) deliveries: Vec<DeliveryRow>,
    pub(crate) departures: Vec<Departure>,
    /// Lanes that got something to wait, and when to look at them.
    pub(crate) waiting: Vec<(ConnectionId, Timestamp)>,
    /// Queues that got something: it waits until somebody asks for it.
    pub(crate) queued: Vec<DestinationId>,
    pub(crate) filtered: i32,
}

/// Adds the deliveries of one event.
pub(crate) fn route(engine: &Engine, maps: &Maps, event: &EventRow, now: Timestamp, routed: &mut Routed) {
    routed.filtered = 0;
    for connection in maps.connections_of(event.source) {
        if !connection.wants(&event.event_type) {
            routed.filtered += 1;
            continue;
        }
        let Some(destination) = maps.destination(connection.destination) else { continue };
        let due_at = delay::due_at(event.not_before, connection.delay_s, now);
        let mut delivery = DeliveryRow {
            id: DeliveryId::fresh(),
            tenant: event.tenant,
            event: event.id,
            source: event.source,
            connection: connection.id,
            destination: destination.id,
            due_at,
            body_bytes: i32::try_from(event.body.len()).unwrap_or(i32::MAX),
            lease: None,
        };
        if destination.kind == DestinationKind::Queue {
            routed.queued.push(destination.id);
            routed.deliveries.push(delivery);
            continue;
        }
        let may_leave = engine.dispatches()
            && !connection.paused
            && destination.active
            && engine.instance.is_live()
            && !engine.tasks.stopping()
            && due_at <= now
            && !engine.lanes.has_backlog(connection.id, now);
        if may_leave {
            match engine.lanes.take_slot(destination) {
                Ok(mut slot) => {
                    slot.hold_bytes(event.body.len());
                    let token = AttemptId::fresh();
                    delivery.lease = Some(token);
                    routed.departures.push(Departure {
                        delivery: delivery.clone(),
                        token,
                        destination: Arc::clone(destination),
                        slot,
                        rendering: rendering(maps, connection, event),
                    });
                }
                Err(NoSlot::Busy) => routed.waiting.push((connection.id, now)),
                Err(NoSlot::Limited(wait)) => {
                    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                    routed.waiting.push((connection.id, now.plus_ms(wait_ms)));
                }
            }
        } else if destination.active && !connection.paused {
            routed.waiting.push((connection.id, due_at));
        }
        routed.deliveries.push(delivery);
    }
}

fn rendering(maps: &Maps, connection: &ConnectionEntry, event: &EventRow) -> Option<Box<Rendering>> {
    (connection.payload != PayloadFormat::Raw).then(|| {
        Box::new(Rendering {
            format: connection.payload,
            source: event.source,
            provider: maps.provider(event.source),
            event_type: event.event_type.clone(),
            received_at: event.received_at,
        })
    })
}
