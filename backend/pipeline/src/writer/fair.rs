//! Who is written first when several tenants wait.

use std::collections::{HashMap, VecDeque};

use postern_domain::TenantId;

/// Puts what waits into rounds: the first of each tenant, then the second of each. What one tenant sent stays in its
/// order.
pub(super) fn order<T>(waiting: &mut VecDeque<T>, tenant: impl Fn(&T) -> TenantId) {
    let Some(first) = waiting.front().map(&tenant) else { return };
    if waiting.iter().all(|next| tenant(next) == first) {
        return;
    }
    let mut counts: HashMap<TenantId, usize> = HashMap::new();
    let mut rounds: Vec<(usize, T)> = Vec::with_capacity(waiting.len());
    for next in waiting.drain(..) {
        let round = counts.entry(tenant(&next)).or_default();
        rounds.push((*round, next));
        *round += 1;
    }
    // Stable: within a round, and so within a tenant, first come is first.
    rounds.sort_by_key(|(round, _)| *round);
    waiting.extend(rounds.into_iter().map(|(_, next)| next));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_tenant_is_in_the_next_batch_however_much_another_has_sent() {
        let (loud, quiet) = (TenantId::fresh(), TenantId::fresh());
        let mut waiting: VecDeque<(TenantId, usize)> = (0..1_000).map(|place| (loud, place)).collect();
        waiting.extend([(quiet, 0), (quiet, 1)]);
        order(&mut waiting, |(tenant, _)| *tenant);
        let first: Vec<_> = waiting.iter().take(4).copied().collect();
        assert_eq!(first, [(loud, 0), (quiet, 0), (loud, 1), (quiet, 1)]);
        for tenant in [loud, quiet] {
            let places: Vec<usize> = waiting.iter().filter(|next| next.0 == tenant).map(|next| next.1).collect();
            assert!(places.is_sorted(), "what a tenant sent stays in its order");
        }
        assert_eq!(waiting.len(), 1_002);
    }

    #[test]
    fn one_tenant_alone_waits_in_its_order() {
        let tenant = TenantId::fresh();
        let mut waiting: VecDeque<usize> = (0..300).collect();
        order(&mut waiting, |_| tenant);
        assert!(waiting.iter().copied().eq(0..300));
    }
}
