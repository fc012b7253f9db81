//! A network between the server and its database: a TCP relay that holds back everything for a while, each way.
//!
//! It runs on threads of its own, because timers of the async runtime are no finer than a millisecond.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

const CHUNK_BYTES: usize = 64 * 1024;

/// Relays connections to `to`; answers where it listens. It lives as long as the process.
pub(crate) fn start(to: SocketAddr, one_way: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("opening the relay's port")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A connection that cannot be relayed is closed, as a network would.
            let _ = relay(client, to, one_way);
        }
    });
    Ok(address)
}

fn relay(client: TcpStream, to: SocketAddr, one_way: Duration) -> Result<()> {
    let server = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    carry(client.try_clone()?, server.try_clone()?, one_way);
    carry(server, client, one_way);
    Ok(())
}

/// Reading and writing are two threads, so that what comes while something is held back is not held back twice.
fn carry(mut from: TcpStream, mut to: TcpStream, one_way: Duration) {
    let (held, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let bytes = chunk.get(..count).unwrap_or_default().to_vec();
            if held.send((Instant::now() + one_way, bytes)).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (at, bytes) in due {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
