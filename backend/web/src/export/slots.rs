//! How many exports a tenant may have under way. One whose reader has stalled gives way to the next.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use postern_domain::{TenantId, Timestamp};

/// At once, on each replica.
pub(super) const MAX_PER_TENANT: usize = 2;
/// Whose reader has taken nothing for so long makes way when somebody else asks.
pub(super) const STALLED_MS: i64 = 120_000;

/// The exports under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    tenants: HashMap<TenantId, Vec<Holder>>,
}

#[derive(Debug)]
struct Holder {
    number: u64,
    /// When its reader last took something.
    seen_at: Timestamp,
}

/// The right to go on with one export; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    tenant: TenantId,
    number: u64,
}

impl Slots {
    /// `None`: as many as may be are under way, and none of them has stalled.
    pub(super) fn take(&self, tenant: TenantId, now: Timestamp) -> Option<Slot> {
        let mut taken = self.0.lock();
        taken.last += 1;
        let number = taken.last;
        let holders = taken.tenants.entry(tenant).or_default();
        if holders.len() >= MAX_PER_TENANT {
            let stalled = holders.iter().position(|holder| now.ms_since(holder.seen_at) >= STALLED_MS)?;
            holders.swap_remove(stalled);
        }
        holders.push(Holder { number, seen_at: now });
        Some(Slot { slots: self.clone(), tenant, number })
    }
}

impl Slot {
    /// Notes that the reader has asked for more. `false`: the slot went to another while this one stalled.
    pub(super) fn is_held(&self, now: Timestamp) -> bool {
        let mut taken = self.slots.0.lock();
        let holders = taken.tenants.get_mut(&self.tenant).into_iter().flatten();
        let own = holders.into_iter().find(|holder| holder.number == self.number);
        own.map(|holder| holder.seen_at = now).is_some()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock();
        let Some(holders) = taken.tenants.get_mut(&self.tenant) else { return };
        holders.retain(|holder| holder.number != self.number);
        if holders.is_empty() {
            taken.tenants.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);

    #[test]
    fn a_slot_is_free_again_when_its_export_has_ended() {
        let (slots, tenant) = (Slots::default(), TenantId::fresh());
        let first = slots.take(tenant, NOW).expect("free");
        let _second = slots.take(tenant, NOW).expect("free");
        assert!(slots.take(tenant, NOW).is_none());
        assert!(slots.take(TenantId::fresh(), NOW).is_some(), "another tenant has its own");
        drop(first);
        assert!(slots.take(tenant, NOW).is_some());
        assert_eq!(slots.0.lock().tenants.len(), 1, "nothing is kept of those that ended");
    }

    #[test]
    fn who_stalls_makes_way_and_who_reads_does_not() {
        let (slots, tenant) = (Slots::default(), TenantId::fresh());
        let (reads, stalls) = (slots.take(tenant, NOW).expect("free"), slots.take(tenant, NOW).expect("free"));
        let later = NOW.plus_ms(STALLED_MS);
        assert!(reads.is_held(later));
        let next = slots.take(tenant, later).expect("one has stalled");
        assert!(slots.take(tenant, later).is_none());
        assert!(reads.is_held(later) && next.is_held(later) && !stalls.is_held(later));
        drop(stalls);
        assert!(next.is_held(later), "what was lost is not given back");
    }
}
