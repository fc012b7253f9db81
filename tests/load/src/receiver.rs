//! Where the deliveries go: one that counts and answers 200, and one that accepts and never answers.

use std::{cell::RefCell, net::SocketAddr, rc::Rc};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{http, tally::Tally};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
const BUFFER_BYTES: usize = 8 * 1024;
/// How far into a body its number may stand.
const SEARCHED_BYTES: usize = 256;

pub(crate) type Shared = Rc<RefCell<Tally>>;

/// Starts a receiver on a free port; it lives as long as the process.
pub(crate) async fn counting(tally: Shared) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("opening the receiver's port")?;
    let address = listener.local_addr()?;
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tally = Rc::clone(&tally);
            tokio::task::spawn_local(async move {
                // A sender that closes or breaks a connection is its own affair: what matters is what arrived.
                let _ = serve(stream, &tally).await;
            });
        }
    });
    Ok(address)
}

/// Accepts connections, holds them open and says nothing.
pub(crate) async fn silent() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("opening the silent receiver's port")?;
    let address = listener.local_addr()?;
    tokio::task::spawn_local(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream, tally: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer: Vec<u8> = Vec::with_capacity(BUFFER_BYTES);
    loop {
        while let Some(frame) = http::frame(&buffer)?
            && buffer.len() >= frame.body.end
        {
            note(buffer.get(frame.body.clone()).unwrap_or_default(), tally);
            buffer.drain(..frame.body.end);
            stream.write_all(ANSWER).await?;
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

fn note(body: &[u8], tally: &Shared) {
    let start = body.get(..SEARCHED_BYTES.min(body.len())).unwrap_or_default();
    let mut tally = tally.borrow_mut();
    if let (Some(run), Some(number)) = (number_after(start, b"\"run\":"), number_after(start, b"\"seq\":"))
        && run == tally.run
    {
        tally.arrived(usize::try_from(number).unwrap_or(usize::MAX));
    }
}

fn number_after(text: &[u8], key: &[u8]) -> Option<u64> {
    let place = text.windows(key.len()).position(|window| window == key)? + key.len();
    let digits = text.get(place..)?.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |value: u64, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))))
}
