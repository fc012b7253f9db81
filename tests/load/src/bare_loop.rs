//! The same requests without a product around them: what is left to save.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{http::Connection, upstream::TAG, usage};

const CONNECTIONS: usize = 8;

/// Asks `per_s` times a second for `duration`; answers how many cores this process used meanwhile, the upstream's part
/// in it among them.
pub(crate) async fn cores(address: SocketAddr, per_s: f64, duration: Duration) -> Result<f64> {
    let (begun, tickets) = (Instant::now(), Rc::new(Cell::new(0_u64)));
    let before_us = usage::own_cpu_us();
    let askers: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::task::spawn_local(ask(address, (per_s, duration), begun, Rc::clone(&tickets))))
        .collect();
    for asker in askers {
        asker.await??;
    }
    let used_us = usage::own_cpu_us().saturating_sub(before_us);
    Ok(used_us as f64 / 1_000_000.0 / begun.elapsed().as_secs_f64())
}

async fn ask(
    address: SocketAddr,
    (per_s, duration): (f64, Duration),
    begun: Instant,
    tickets: Rc<Cell<u64>>,
) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    loop {
        let ticket = tickets.replace(tickets.get() + 1);
        let due = Duration::from_secs_f64(ticket as f64 / per_s);
        if due >= duration {
            return Ok(());
        }
        tokio::time::sleep_until((begun + due).into()).await;
        let request = format!(
            "GET /{ticket} HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\nuser-agent: bare\r\n\
             if-none-match: {TAG}\r\n\r\n"
        );
        connection.exchange(request.as_bytes()).await?;
    }
}
