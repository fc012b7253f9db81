//! What is polled: answers a small page with a tag, or 304 to who shows it, and notes who asked and when.

use std::{cell::RefCell, net::SocketAddr, rc::Rc};

use anyhow::{Context, Result};
use postern_domain::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const BUFFER_BYTES: usize = 4 * 1024;
/// One of so many records of a page.
pub(crate) const RECORDS: usize = 10;
pub(crate) const TAG: &str = "\"as-ever\"";

/// A request of source `number`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    pub(crate) number: usize,
    pub(crate) at_us: i64,
    pub(crate) conditional: bool,
}

/// Clones are the same upstream.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    polls: Rc<RefCell<Vec<Poll>>>,
    /// Served instead of the usual page.
    page: Rc<RefCell<Option<Vec<u8>>>>,
}

impl Upstream {
    /// On a free port; it lives as long as the process.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("opening the upstream's port")?;
        let upstream = Self { address: listener.local_addr()?, polls: Rc::default(), page: Rc::default() };
        let serving = upstream.clone();
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = serving.clone();
                tokio::task::spawn_local(async move {
                    // Who asks may close or break a connection: what was asked is noted.
                    let _ = upstream.serve(stream).await;
                });
            }
        });
        Ok(upstream)
    }

    /// What source `number` asks for.
    pub(crate) fn url(&self, number: usize) -> String {
        format!("http://{}/{number}", self.address)
    }

    /// From now on this is the page, without a tag.
    pub(crate) fn serve_page(&self, body: &str) {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        *self.page.borrow_mut() = Some([head.as_bytes(), body.as_bytes()].concat());
    }

    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Vec<Poll> {
        std::mem::take(&mut *self.polls.borrow_mut())
    }

    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let (unchanged, whole) = (unchanged(), whole());
        let mut buffer: Vec<u8> = Vec::with_capacity(BUFFER_BYTES);
        loop {
            while let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let poll = read(buffer.get(..end).unwrap_or_default())?;
                buffer.drain(..end + 4);
                self.polls.borrow_mut().push(poll);
                let page = self.page.borrow().clone();
                let usual = if poll.conditional { &unchanged } else { &whole };
                stream.write_all(page.as_ref().unwrap_or(usual)).await?;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
    }
}

/// The number stands in the first line: `GET /17 HTTP/1.1`.
fn read(head: &[u8]) -> Result<Poll> {
    let head = std::str::from_utf8(head).context("a request that is not text")?;
    let path = head.split(' ').nth(1).context("a request without a path")?;
    let number = path.trim_start_matches('/').parse().context("a path that is no number")?;
    let conditional = head.contains(TAG);
    Ok(Poll { number, at_us: Clock::System.now().as_micros(), conditional })
}

fn unchanged() -> Vec<u8> {
    format!("HTTP/1.1 304 Not Modified\r\netag: {TAG}\r\n\r\n").into_bytes()
}

fn whole() -> Vec<u8> {
    let body = page(0..RECORDS);
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: {TAG}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Records with these ids.
pub(crate) fn page(ids: std::ops::Range<usize>) -> String {
    let record = |id: usize| format!(r#"{{"id":{id},"state":"open","note":"nothing has happened to order {id} yet"}}"#);
    format!(r#"{{"data":[{}]}}"#, ids.map(record).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_its_source_and_whether_it_knows_the_page() {
        let poll = read(b"GET /17 HTTP/1.1\r\nhost: x\r\nif-none-match: \"as-ever\"").unwrap();
        assert_eq!((poll.number, poll.conditional), (17, true));
        assert!(!read(b"GET /0 HTTP/1.1\r\nhost: x").unwrap().conditional);
        assert!(read(b"GET /robots.txt HTTP/1.1").is_err());
    }
}
