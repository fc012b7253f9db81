//! Bytes on a TCP connection, as no well-behaved client would send them.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a server said to some bytes.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) text: String,
    /// Whether the server closed the connection, and after how long.
    pub(super) closed_after: Option<Duration>,
}

impl Said {
    /// The status of each answer. Two answers to what was meant as one request are what smuggling is.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let answers = self.text.split("HTTP/1.1 ").skip(1);
        answers.filter_map(|answer| answer.get(..3)?.parse().ok()).filter(|status| *status != 100).collect()
    }

    /// A header of the last answer.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.rsplit("HTTP/1.1 ").next()?.split("\r\n\r\n").next()?;
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Sends the bytes and listens until the server closes, at most so long. The writing side stays open.
pub(super) async fn say(base: &str, bytes: Vec<u8>, listen: Duration) -> Said {
    say_slowly(base, vec![bytes], Duration::ZERO, listen).await
}

/// The same in pieces, with a pause before each but the first.
pub(super) async fn say_slowly(base: &str, pieces: Vec<Vec<u8>>, pause: Duration, listen: Duration) -> Said {
    let stream = TcpStream::connect(base.trim_start_matches("http://")).await.expect("a connection");
    stream.set_nodelay(true).expect("an open socket");
    let begun = Instant::now();
    let (mut reads, mut writes) = stream.into_split();
    let writing = tokio::spawn(async move {
        for (number, piece) in pieces.into_iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(pause).await;
            }
            // Whoever has said enough to be refused is no longer listened to.
            if writes.write_all(&piece).await.is_err() {
                break;
            }
        }
        writes
    });
    let mut heard = Vec::new();
    let mut chunk = vec![0; 65_536];
    let closed = tokio::time::timeout(listen, async {
        while let Ok(length) = reads.read(&mut chunk).await
            && length > 0
        {
            heard.extend_from_slice(&chunk[..length]);
        }
    })
    .await
    .is_ok();
    writing.abort();
    Said { text: String::from_utf8_lossy(&heard).into_owned(), closed_after: closed.then(|| begun.elapsed()) }
}

/// A body in chunks of at most so many bytes.
pub(super) fn chunked(body: &[u8], at_once: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(body.len() + 64);
    for chunk in body.chunks(at_once) {
        all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        all.extend_from_slice(chunk);
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"0\r\n\r\n");
    all
}
