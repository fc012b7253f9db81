//! Queues: programs lease what waits, and only who holds the receipt of now may end a lease.

mod bounds;
mod outlives;
mod pages;
mod pull;
mod receipts;
mod stand;
