//! What each replica does now and then: heartbeat, the leases of the dead, partitions, expiry. Each verb is one run;
//! `worker` says when.

use std::{sync::Arc, time::Instant};

use postern_domain::ConnectionId;
use postern_store::{StoreError, engine::Lost};

use crate::{engine::Engine, instance::DEAD_AFTER_MS};

impl Engine {
    /// Writes this process's heartbeat, learns how many share the limits, and reads new configuration.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn beat(&self) -> Result<(), StoreError> {
        let sent_at = Instant::now();
        let beat = self.store.beat(self.instance.id(), DEAD_AFTER_MS).await?;
        if beat.known {
            self.instance.beat(sent_at);
        } else {
            // The others took us for dead and voided our leases. What is under way will find its lease lost; what comes
            // is leased under a new identity.
            let id = self.instance.renew(sent_at);
            self.store.enter(id).await?;
            tracing::warn!(instance.id = %id, "This process was taken for dead, and enters again as `{id}`");
        }
        self.routing.set_share(beat.live);
        self.metrics.live_replicas.set(i64::from(beat.live));
        Ok(())
    }

    /// Sees changes that other replicas made, so that a revoked key is dead everywhere within a second or two.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow_config(&self) -> Result<(), StoreError> {
        self.routing.refresh().await?;
        self.metrics.config_version.set(self.routing.version());
        Ok(())
    }

    /// Voids the leases of processes whose heartbeat stopped.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_over(self: &Arc<Self>) -> Result<(), StoreError> {
        for dead in self.store.dead_instances(DEAD_AFTER_MS).await? {
            // One that is declared dead stays listed until its leases are void, so that a crash in between loses nothing.
            if dead == self.instance.id() || !self.store.declare_dead(dead, DEAD_AFTER_MS).await? {
                continue;
            }
            let voided = self.store.recover(Lost::Of(dead), self.clock.now()).await?;
            let runs = self.store.recover_polls(Lost::Of(dead), self.clock.now()).await?;
            let calls = self.recover_calls(Lost::Of(dead)).await?;
            self.store.strike_off(dead).await?;
            self.recovered(voided);
            tracing::warn!(instance.id = %dead, voided, runs, calls, "Process `{dead}` is gone; its leases are void");
        }
        Ok(())
    }

    /// Voids leases that ran out, whoever holds them: the last resort.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep_leases(self: &Arc<Self>) -> Result<(), StoreError> {
        let voided = self.store.recover(Lost::Expired, self.clock.now()).await?;
        self.recovered(voided);
        self.store.recover_polls(Lost::Expired, self.clock.now()).await?;
        self.sweep_queues().await?;
        self.recover_calls(Lost::Expired).await?;
        Ok(())
    }

    fn recovered(&self, voided: u64) {
        if voided > 0 {
            self.metrics.recovered.inc_by(voided);
            self.claim_soon();
        }
    }

    /// Opens the partitions of the days ahead.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_days(&self) -> Result<(), StoreError> {
        self.store.open_partitions(self.clock.now()).await
    }

    /// Drops what is past its retention; a delivery that still waits is ended first, visibly.
    ///
    /// # Errors
    /// When the database does not answer; the next run goes on.
    pub async fn expire(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let ended = self.store.expire_unsettled(now, self.options.retention).await?;
        self.metrics.dead.inc_by(ended);
        self.store.drop_expired(now, self.options.retention).await?;
        self.store.drop_old_activity(now, self.options.retention).await?;
        self.store.expire_idempotency_keys(now).await?;
        self.store.expire_sessions(now).await?;
        self.store.expire_throttle(now).await?;
        self.store.trim_bins().await?;
        self.store.expire_polls(now, self.options.retention).await?;
        self.store.expire_tokens(now).await?;
        self.store.expire_calls(now, self.options.retention).await?;
        self.tidy_limits();
        self.gates.tidy();
        Ok(())
    }

    /// Counts what happened, for the pages.
    ///
    /// # Errors
    /// When the database does not answer; the next run goes on.
    pub async fn count_activity(&self) -> Result<(), StoreError> {
        self.store.count_activity(self.clock.now(), self.options.retention).await?;
        Ok(())
    }

    /// Deletes dedup keys whose window is over.
    ///
    /// # Errors
    /// When the database does not answer; the next run begins anew.
    pub async fn expire_keys(&self) -> Result<(), StoreError> {
        self.store.expire_keys(self.clock.now()).await?;
        Ok(())
    }

    /// Cancels what waits on connections that no longer exist.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cancel_orphans(&self) -> Result<(), StoreError> {
        self.routing.refresh().await?;
        let lanes = self.store.lanes_due().await?;
        let gone: Vec<ConnectionId> = {
            let maps = self.routing.read();
            lanes.iter().map(|lane| lane.connection).filter(|lane| maps.connection(*lane).is_none()).collect()
        };
        for lane in gone {
            // Not in effect is not the same as deleted: a row that cannot be read keeps its deliveries.
            if self.store.connection_is_deleted(lane).await? {
                let cancelled = self.store.cancel_deleted(lane, self.clock.now()).await?;
                tracing::info!(connection.id = %lane, cancelled, "Deliveries of the deleted connection `{lane}` were cancelled");
            }
        }
        Ok(())
    }

    /// Figures that are read from the database rather than counted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn gauge(&self) -> Result<(), StoreError> {
        self.metrics.backlog.set(self.store.backlog().await?.unsettled);
        let (in_use, open) = self.store.pool_usage();
        self.metrics.pool_in_use.set(i64::from(in_use));
        self.metrics.pool_open.set(i64::from(open));
        Ok(())
    }
}
