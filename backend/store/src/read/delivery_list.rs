//! The deliveries of a tenant, newest first.

use postern_domain::{ConnectionId, DestinationId, EventId, SourceId, delivery::DeliveryState};
use sea_orm::ConnectionTrait;

use super::{
    ListError, Slice, Window,
    delivery::{Base, Bounds, Delivery},
    gathering::{Filtered, Gathering, Progress},
};
use crate::{StoreError, TenantStore};

/// Which deliveries are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryFilter {
    pub state: Option<DeliveryState>,
    pub destination: Option<DestinationId>,
    pub source: Option<SourceId>,
    pub event: Option<EventId>,
    /// One that the tenant does not have leaves nothing.
    pub connection: Option<ConnectionId>,
}

impl DeliveryFilter {
    /// The index that leaves the least to look through.
    fn base(&self) -> Base {
        match (self.event, self.state, self.destination) {
            (Some(event), _, _) => Base::Event(event.uuid()),
            (None, Some(DeliveryState::Pending | DeliveryState::Leased | DeliveryState::Held), _) => Base::Queued,
            (None, Some(DeliveryState::Dead | DeliveryState::Cancelled), _) => Base::Failed,
            (None, _, Some(destination)) => Base::To(destination.uuid()),
            (None, Some(DeliveryState::Delivered), None) => Base::Finished,
            (None, None, None) => Base::All,
        }
    }

    fn admits(&self, delivery: &Delivery) -> bool {
        self.state.is_none_or(|state| delivery.state == state)
            && self.destination.is_none_or(|destination| delivery.destination == destination)
            && self.source.is_none_or(|source| delivery.source == source)
            && self.connection.is_none_or(|connection| delivery.connection == connection)
    }

    const fn is_served_by_index(&self) -> bool {
        self.state.is_none() && self.destination.is_none() && self.source.is_none() && self.connection.is_none()
    }
}

impl TenantStore {
    /// The deliveries that the filter lets through, newest first.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn list_deliveries(&self, filter: DeliveryFilter, window: &Window) -> Result<Slice<Delivery>, ListError> {
        let (db, mut filter) = (self.store.reader(), filter);
        if let Some(connection) = filter.connection {
            let leads_to = self.destination_of(&db, connection).await?;
            // There is no index by connections, but one by where they lead.
            match (leads_to, filter.destination) {
                (Some(leads_to), None) => filter.destination = Some(leads_to),
                (Some(leads_to), Some(asked)) if leads_to == asked => {}
                _ => return Ok(Slice::default()),
            }
        }
        if let Some(source) = filter.source {
            self.check_source(&db, source).await?;
        }
        if let Some(destination) = filter.destination {
            self.check_destination(&db, destination).await?;
        }
        Ok(self.scan_deliveries(&db, filter, window).await?)
    }

    async fn scan_deliveries(
        &self,
        db: &impl ConnectionTrait,
        filter: DeliveryFilter,
        window: &Window,
    ) -> Result<Slice<Delivery>, StoreError> {
        let filtered = if filter.is_served_by_index() { Filtered::No } else { Filtered::Yes };
        let mut page = Gathering::new(window.limit(), window.below(), filtered);
        loop {
            let bounds = Bounds { lowest: window.lowest(), below: page.below(), limit: page.chunk() };
            let chunk = self.read_deliveries(db, filter.base(), bounds).await?;
            let judge = |delivery: Delivery| (delivery.id.uuid(), filter.admits(&delivery).then_some(delivery));
            if page.take(chunk.into_iter().map(judge).collect()) == Progress::Done {
                return Ok(page.finish());
            }
        }
    }
}
