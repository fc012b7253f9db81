//! HTTP/1.1 as far as a load generator needs it: whole messages with a Content-Length, on connections that stay open.
//! By hand, because the generator shares its processors with what it measures.

use std::{net::SocketAddr, ops::Range};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const MAX_HEAD_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 8 * 1024;

/// Where a message's body stands in the bytes that have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) body: Range<usize>,
}

/// `None` while the head is not whole.
pub(crate) fn frame(bytes: &[u8]) -> Result<Option<Frame>> {
    let Some(head_end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        if bytes.len() > MAX_HEAD_BYTES {
            bail!("a head of more than {MAX_HEAD_BYTES} bytes");
        }
        return Ok(None);
    };
    let head = bytes.get(..head_end).unwrap_or_default();
    let length = content_length(head)?;
    let start = head_end + 4;
    Ok(Some(Frame { body: start..start + length }))
}

fn content_length(head: &[u8]) -> Result<usize> {
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            bail!("a message in chunks is not understood here");
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let text = std::str::from_utf8(value.get(1..).unwrap_or_default())?;
            return text.trim().parse().context("a Content-Length that is no number");
        }
    }
    Ok(0)
}

/// One connection to the server that is measured.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("connecting to the server")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Sends a whole request and waits for the whole answer: its status and body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        self.buffer.clear();
        self.stream.write_all(request).await.context("sending a request")?;
        loop {
            if let Some(frame) = frame(&self.buffer)?
                && self.buffer.len() >= frame.body.end
            {
                let status = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
                let status = status.and_then(|digits| digits.parse().ok()).context("an answer without a status")?;
                return Ok((status, self.buffer.get(frame.body).unwrap_or_default()));
            }
            if self.stream.read_buf(&mut self.buffer).await.context("reading an answer")? == 0 {
                bail!("the connection was closed before the answer");
            }
        }
    }
}

impl Connection {
    /// Status line and headers of the last answer.
    pub(crate) fn head(&self) -> String {
        let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_default();
        String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_its_length_says() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP";
        let body = frame(bytes).unwrap().unwrap().body;
        assert_eq!(bytes.get(body).unwrap(), b"ok");
        assert_eq!(frame(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
        assert!(frame(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
