//! A receiver inside the test: keeps a ledger of all that arrives, and answers as it is told.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{
    sign,
    wire::{self, Incoming},
};

/// What a receiver does with a request, after it has noted it.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// Status, headers, body.
    Full(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Waits, then answers 200.
    Slow(Duration),
    /// Keeps the connection open and says nothing.
    Hang,
    /// Closes the connection without an answer.
    Close,
}

/// One request as it arrived, with a whole body.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Arrival {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The event's id, as Standard Webhooks carries it.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// Whether it was signed with `secret`, and within a minute of now.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let at = self.header("webhook-timestamp");
        let fresh = at.parse::<i64>().is_ok_and(|at_s| (sign::now_s() - at_s).abs() <= 60);
        fresh && self.header("webhook-signature") == sign::standard_signature(secret, (self.id(), at), &self.body)
    }
}

#[derive(Debug)]
struct State {
    arrivals: Mutex<Vec<Arrival>>,
    usual: Mutex<Reply>,
    first: Mutex<VecDeque<Reply>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// Listens on a free port of 127.0.0.1 for as long as the test's runtime lives. Clones are the same receiver.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    /// Answers 200 until told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            arrivals: Mutex::default(),
            usual: Mutex::new(Reply::Status(200)),
            first: Mutex::default(),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let state = Arc::clone(&serving);
                tokio::spawn(async move {
                    // A sender that goes away is what crash tests are about.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it answers from now on, once the one-off replies are used up.
    pub(crate) fn reply(&self, reply: Reply) {
        *self.state.usual.lock().expect("not poisoned") = reply;
    }

    /// One-off replies for the next requests, one each.
    pub(crate) fn first(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.first.lock().expect("not poisoned").extend(replies);
    }

    pub(crate) fn fail_first(&self, times: usize, status: u16) {
        self.first(std::iter::repeat_n(Reply::Status(status), times));
    }

    /// All that arrived, oldest first.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.state.arrivals.lock().expect("not poisoned").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.state.arrivals.lock().expect("not poisoned").len()
    }

    /// Arrivals of one event.
    pub(crate) fn of(&self, id: &str) -> Vec<Arrival> {
        let arrivals = self.state.arrivals.lock().expect("not poisoned");
        arrivals.iter().filter(|arrival| arrival.id() == id).cloned().collect()
    }

    /// The most requests that were under way at one moment.
    pub(crate) fn most_open(&self) -> usize {
        self.state.most_open.load(Ordering::SeqCst)
    }
}

impl State {
    fn note(&self, incoming: Incoming) -> Reply {
        let Incoming { target, headers, body, .. } = incoming;
        let mut arrivals = self.arrivals.lock().expect("not poisoned");
        arrivals.push(Arrival { at: Instant::now(), path: target, headers, body });
        drop(arrivals);
        let first = self.first.lock().expect("not poisoned").pop_front();
        first.unwrap_or_else(|| self.usual.lock().expect("not poisoned").clone())
    }
}

/// One connection, one request after the other.
async fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(incoming) = wire::read(&mut stream).await? {
        let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
        state.most_open.fetch_max(open, Ordering::SeqCst);
        let reply = state.note(incoming);
        let answered = answer(&mut stream, reply).await;
        state.open.fetch_sub(1, Ordering::SeqCst);
        if !answered? {
            return Ok(());
        }
    }
    Ok(())
}

/// False when the connection is to be closed.
async fn answer(stream: &mut BufReader<TcpStream>, reply: Reply) -> io::Result<bool> {
    let (status, headers, body) = match reply {
        Reply::Status(status) => (status, Vec::new(), b"noted".to_vec()),
        Reply::Full(status, headers, body) => (status, headers, body),
        Reply::Slow(wait) => {
            tokio::time::sleep(wait).await;
            (200, Vec::new(), b"at last".to_vec())
        }
        Reply::Hang => {
            // Until the other side gives up.
            stream.read_u8().await?;
            return Ok(false);
        }
        Reply::Close => return Ok(false),
    };
    wire::write(stream, status, &headers, &body).await?;
    Ok(true)
}
