//! A loopback HTTP server, one thread for each connection, whose answers a test writes by hand; and the client and
//! request that go with it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use postern_domain::Timestamp;
use postern_egress::{Client, Exchange, Options, OutboundRequest};

/// What the lab's requests read of a body.
pub(crate) const CAP: usize = 4_096;

/// A request as it arrived.
pub(crate) struct Arrival {
    pub(crate) target: String,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Counts what happened at a server.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Ledger {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A server on an address of its own; lives as long as the test process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
}

impl Server {
    /// Serves on any port of 127.0.0.1. A connection is kept open after each answer, until `answer` cannot write.
    pub(crate) fn start(
        answer: impl Fn(&Arrival, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1".parse().expect("an address"), answer)
    }

    pub(crate) fn start_at(
        ip: IpAddr,
        answer: impl Fn(&Arrival, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::accept(ip, move |stream, ledger| {
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let mut writer = stream;
            while let Some(arrival) = read_request(&mut reader) {
                ledger.requests.fetch_add(1, Ordering::SeqCst);
                if answer(&arrival, &mut writer).is_err() {
                    return;
                }
            }
        })
    }

    /// Hands each raw connection to `serve`.
    pub(crate) fn accept(ip: IpAddr, serve: impl Fn(TcpStream, &Ledger) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (ledger, serve) = (Ledger::default(), Arc::new(serve));
        let counts = ledger.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counts.connections.fetch_add(1, Ordering::SeqCst);
                let (serve, counts) = (Arc::clone(&serve), counts.clone());
                thread::spawn(move || serve(stream, &counts));
            }
        });
        Self { address, ledger }
    }

    /// A server that nobody may reach.
    pub(crate) fn canary() -> Self {
        Self::start(|_, stream| reply(stream, "200 OK", "", b"the canary"))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Arrival> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let target = head.split(' ').nth(1)?.to_owned();
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Arrival { target, head, body })
}

/// Writes a whole answer; `headers` are full lines, each with its line end.
pub(crate) fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let mut answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    stream.write_all(&answer)
}

/// A client that may reach the given blocks, and asks the given DNS server.
pub(crate) fn client(allow: &[&str], dns: Option<SocketAddr>) -> Client {
    let allow = allow.iter().map(|block| block.parse().expect("a block")).collect();
    let options = Options { allow, dns, user_agent: "Postern/test".to_owned(), ..Options::default() };
    Client::new(options).expect("a client")
}

/// Sends a small POST and waits at most `timeout_ms`.
pub(crate) async fn send(client: &Client, url: &str, timeout_ms: u64) -> Exchange {
    client.send(request(client, url, timeout_ms)).await
}

pub(crate) fn request(client: &Client, url: &str, timeout_ms: u64) -> OutboundRequest {
    OutboundRequest {
        method: Method::POST,
        url: client.check_url(url).unwrap_or_else(|blocked| panic!("{url}: {blocked}")),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        timeout: Duration::from_millis(timeout_ms),
        max_response_bytes: CAP,
        now: Timestamp::from_secs(1_772_366_400),
    }
}
