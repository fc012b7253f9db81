//! HTTP/1.1 as far as servers inside the tests need it.

use std::{collections::HashMap, io};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A request with its whole body.
pub(crate) struct Incoming {
    pub(crate) method: String,
    /// Path and query as they were sent.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// `None` when the other side has closed.
pub(crate) async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Incoming>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).await? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let bytes = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; bytes];
    stream.read_exact(&mut body).await?;
    Ok(Some(Incoming { method, target, headers, body }))
}

/// A 304 has no body, and says no length.
pub(crate) async fn write(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    headers: &[(impl AsRef<str>, String)],
    body: &[u8],
) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Said\r\n");
    if status != 304 {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{}: {value}\r\n", name.as_ref())));
    text.push_str("\r\n");
    stream.write_all(&[text.as_bytes(), body].concat()).await?;
    stream.flush().await
}
