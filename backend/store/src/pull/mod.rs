//! Leases that programs of tenants take: of deliveries to destinations of kind `queue`.
//!
//! Such a lease is held in nobody's name. A replica that dies and a server that starts again void the leases of replicas;
//! these they leave alone, since whoever pulls may well live on. They begin and end by the database's clock, and what has
//! run out is found by [`Store::ended_pulls`], asked for by whoever leases from the same queue next, and by the sweep.
//!
//! The token of a lease is the id of its attempt, and is all that who pulls has to show: every statement that ends or
//! extends a lease names it. Start at [`lease`], then [`settle`].

mod lease;
mod look;
mod settle;

pub use lease::{PullTerms, Pulled, PulledDelivery};
pub use look::{Depth, HeldPull, PullLook};

use crate::{Store, open::Backend, polling::writing::Bind};

/// In whose name, as a literal: an index is found by its condition as it is written, and not by a value.
const fn nobody(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "x'00000000000000000000000000000000'",
        Backend::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
    }
}

/// Now: by the database's clock on PostgreSQL and by ours on SQLite, which has no other. Parameter `$number` is what
/// [`now`] gives.
fn clock(backend: Backend, number: usize) -> String {
    match backend {
        Backend::Sqlite => format!("${number}"),
        Backend::Postgres => {
            format!("((extract(epoch FROM statement_timestamp()) * 1000000)::bigint + 0 * ${number}::bigint)")
        }
    }
}

fn now<'a>(store: &Store) -> Bind<'a> {
    Bind::Long(store.clock().now().as_micros())
}
