//! An API inside the test: answers as it is told, and remembers each request with all that it carried.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::harness::wire::{self, Incoming};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) method: String,
    /// Path and query as they were sent.
    pub(crate) target: String,
    /// Names in lower case.
    headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The decoded value of a parameter in the query.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// A parameter that is a number; `usual` when it is not there.
    pub(crate) fn number(&self, name: &str, usual: usize) -> usize {
        self.param(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether `secret` stands anywhere in it.
    pub(crate) fn carries(&self, secret: &str) -> bool {
        self.target.contains(secret)
            || self.headers.values().any(|value| value.contains(secret))
            || String::from_utf8_lossy(&self.body).contains(secret)
    }
}

/// What is said to a request.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// Status, headers, body.
    Whole(u16, Vec<(String, String)>, Vec<u8>),
    /// One byte at a time, with a pause after each.
    Drop(Vec<u8>, Duration),
    /// Nothing until the gate opens.
    Behind(Gate, Box<Said>),
    /// Nothing ever; the connection stays open.
    Nothing,
    /// The connection is closed.
    Close,
}

impl Said {
    pub(crate) fn json(body: &Value) -> Self {
        Self::bytes("application/json", body.to_string())
    }

    pub(crate) fn bytes(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole(200, vec![("content-type".to_owned(), content_type.to_owned())], body.into())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), Vec::new())
    }

    pub(crate) fn header(self, name: &str, value: impl Into<String>) -> Self {
        match self {
            Self::Whole(status, mut headers, body) => {
                headers.push((name.to_owned(), value.into()));
                Self::Whole(status, headers, body)
            }
            other => panic!("{other:?} has no headers"),
        }
    }

    pub(crate) fn behind(self, gate: &Gate) -> Self {
        Self::Behind(gate.clone(), Box::new(self))
    }
}

/// Holds answers back until it is opened. Clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    async fn pass(&self) {
        let _ = self.0.subscribe().wait_for(|is_open| *is_open).await;
    }
}

type Answers = Arc<dyn Fn(&Asked) -> Said + Send + Sync>;

struct State {
    asked: Mutex<Vec<Asked>>,
    answers: Mutex<Answers>,
    /// Held back behind it, whatever is said.
    hold: Mutex<Option<Gate>>,
}

/// Listens on a free port of 127.0.0.1 for as long as the test's runtime lives. Clones are the same upstream.
#[derive(Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
}

impl Upstream {
    pub(crate) async fn start(answers: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state =
            Arc::new(State { asked: Mutex::default(), answers: Mutex::new(Arc::new(answers)), hold: Mutex::default() });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let state = Arc::clone(&serving);
                tokio::spawn(async move {
                    // Who asks may be killed meanwhile.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        Self { address, state }
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, answers: impl Fn(&Asked) -> Said + Send + Sync + 'static) {
        *self.state.answers.lock().expect("not poisoned") = Arc::new(answers);
    }

    /// From now on nothing is said before the gate is opened.
    pub(crate) fn hold(&self) -> Gate {
        let gate = Gate::closed();
        *self.state.hold.lock().expect("not poisoned") = Some(gate.clone());
        gate
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, oldest first.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().expect("not poisoned").clone()
    }

    /// Those for one path.
    pub(crate) fn asked_for(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path() == path).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.state.asked.lock().expect("not poisoned").len()
    }
}

impl State {
    fn note(&self, incoming: Incoming) -> Said {
        let Incoming { method, target, headers, body } = incoming;
        let asked = Asked { at: Instant::now(), method, target, headers, body };
        self.asked.lock().expect("not poisoned").push(asked.clone());
        let answers = Arc::clone(&self.answers.lock().expect("not poisoned"));
        let said = answers(&asked);
        match &*self.hold.lock().expect("not poisoned") {
            Some(gate) => said.behind(gate),
            None => said,
        }
    }
}

/// One connection, one request after the other.
async fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(incoming) = wire::read(&mut stream).await? {
        let mut said = state.note(incoming);
        while let Said::Behind(gate, then) = said {
            gate.pass().await;
            said = *then;
        }
        if !say(&mut stream, said).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// False when the connection is to be closed.
async fn say(stream: &mut BufReader<TcpStream>, said: Said) -> io::Result<bool> {
    match said {
        Said::Whole(status, headers, body) => {
            wire::write(stream, status, &headers, &body).await?;
            Ok(true)
        }
        Said::Drop(body, pause) => {
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            for byte in body {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
            Ok(true)
        }
        Said::Nothing => {
            // Until the other side gives up.
            stream.read_u8().await?;
            Ok(false)
        }
        Said::Behind(..) | Said::Close => Ok(false),
    }
}
