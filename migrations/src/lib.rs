//! The schema, step by step, for SQLite and PostgreSQL. Imports nothing of ours: entities move, history does not.
//!
//! Each step runs in a transaction on both databases. Instants are bigint microseconds, ids are uuid (16-byte blobs on
//! SQLite), states are text under a CHECK. Start at [`Migrator::migrations`]; the dialect is in [`dialect`].

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::{MigratorTrait, sea_orm};

mod dialect;
mod m20261122_100000_create_people;
mod m20261122_100100_create_configuration;
mod m20261122_100200_create_audit;
mod m20261122_100300_create_events;
mod m20261122_100400_create_queue;
mod m20261122_100500_create_attempts;
mod m20261122_100600_create_requests;
mod m20261122_100700_create_sessions;
mod m20261122_100800_add_theme;
mod m20261122_101000_create_activity;
mod m20261122_101200_add_payload;
mod m20261122_110000_guard_sources;
mod m20261122_110100_flag_requests;
mod m20261122_120000_widen_sources;
mod m20261122_120100_create_polling;
mod m20261122_120300_watch_webhooks;
mod m20261122_120400_forget_records;
mod m20261122_120500_create_budgets;
mod m20261122_120600_share_tokens;
mod m20261122_120800_plan_sources;
mod m20261122_130000_add_queues;
mod m20261122_130100_create_calls;

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_100000_create_people::Migration),
            Box::new(m20261122_100100_create_configuration::Migration),
            Box::new(m20261122_100200_create_audit::Migration),
            Box::new(m20261122_100300_create_events::Migration),
            Box::new(m20261122_100400_create_queue::Migration),
            Box::new(m20261122_100500_create_attempts::Migration),
            Box::new(m20261122_100600_create_requests::Migration),
            Box::new(m20261122_100700_create_sessions::Migration),
            Box::new(m20261122_100800_add_theme::Migration),
            Box::new(m20261122_101000_create_activity::Migration),
            Box::new(m20261122_101200_add_payload::Migration),
            Box::new(m20261122_110000_guard_sources::Migration),
            Box::new(m20261122_110100_flag_requests::Migration),
            Box::new(m20261122_120000_widen_sources::Migration),
            Box::new(m20261122_120100_create_polling::Migration),
            Box::new(m20261122_120300_watch_webhooks::Migration),
            Box::new(m20261122_120400_forget_records::Migration),
            Box::new(m20261122_120500_create_budgets::Migration),
            Box::new(m20261122_120600_share_tokens::Migration),
            Box::new(m20261122_120800_plan_sources::Migration),
            Box::new(m20261122_130000_add_queues::Migration),
            Box::new(m20261122_130100_create_calls::Migration),
        ]
    }
}

/// Tables partitioned by day on PostgreSQL, by the UUIDv7 that is their key: name and key column.
pub const DAILY_TABLES: [(&str, &str); 6] = [
    ("events", "id"),
    ("event_bodies", "event_id"),
    ("deliveries", "id"),
    ("attempts", "id"),
    ("attempt_bodies", "attempt_id"),
    ("requests", "id"),
];
