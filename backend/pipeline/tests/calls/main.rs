//! Calls against a real server on loopback, on both databases: what only an engine in hand can be made to do.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the other half is for polls")]
#[path = "../polling/yard.rs"]
mod yard;

use std::{sync::Arc, time::Duration};

use postern_domain::{CallId, attempt::ResultKind, call::CallState, source::SourceKind};
use postern_pipeline::{
    Engine,
    calls::{self, CallWish},
    configure::{Done, source},
};
use postern_store::calls::Call;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};

use self::yard::{Yard, each};

/// Answers 200 once it is told to.
struct Upstream {
    url: String,
    open: Arc<watch::Sender<bool>>,
    asked: Arc<watch::Sender<usize>>,
}

impl Upstream {
    #[expect(clippy::disallowed_methods, reason = "a server inside the test")]
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let open = Arc::new(watch::Sender::new(false));
        let asked = Arc::new(watch::Sender::new(0));
        let (gate, count) = (Arc::clone(&open), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (gate, count) = (Arc::clone(&gate), Arc::clone(&count));
                tokio::spawn(async move {
                    let mut head = [0; 4_096];
                    let _ = stream.read(&mut head).await;
                    count.send_modify(|count| *count += 1);
                    let _ = gate.subscribe().wait_for(|open| *open).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                });
            }
        });
        Self { url, open, asked }
    }

    /// Waits until so many requests are under way.
    async fn is_asked(&self, number: usize) {
        let mut asked = self.asked.subscribe();
        let comes = asked.wait_for(|asked| *asked >= number);
        tokio::time::timeout(Duration::from_secs(10), comes).await.expect("it is asked").expect("it lives");
    }
}

async fn publish_source(yard: &Yard) -> postern_domain::SourceId {
    let new = source::NewSource::named("ours".to_owned(), SourceKind::Publish);
    match source::create(&yard.engine, &yard.by(), new, |_| (201, String::new())).await.expect("made") {
        Done::Now(made) => made.id,
        Done::Before { .. } => panic!("nothing was asked for twice"),
    }
}

async fn call(yard: &Yard, upstream: &Upstream, method: &str) -> CallId {
    yard.engine.beat().await.expect("alive");
    let wish = CallWish { method: method.to_owned(), url: upstream.url.clone(), ..CallWish::default() };
    match calls::create(&yard.engine, &yard.by(), wish, |_| (202, String::new())).await.expect("taken in") {
        Done::Now(made) => made.id,
        Done::Before { .. } => panic!("nothing was asked for twice"),
    }
}

/// Waits until the call is so, for at most ten seconds.
async fn is(yard: &Yard, engine: &Engine, id: CallId, state: CallState) -> Call {
    let store = engine.store.tenant(yard.scope());
    let becomes = async {
        loop {
            let call = store.find_call(id).await.expect("answers").expect("there");
            if call.state == state {
                return call;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), becomes).await.expect("it comes to be")
}

#[tokio::test]
async fn a_server_that_stops_breaks_off_what_does_not_end_and_says_so() {
    each(|yard| async move {
        let upstream = Upstream::start().await;
        publish_source(&yard).await;
        let (again, once) = (call(&yard, &upstream, "PUT").await, call(&yard, &upstream, "POST").await);
        upstream.is_asked(2).await;
        yard.engine.shut_down(Duration::from_secs(2)).await;
        let store = yard.engine.store.tenant(yard.scope());
        let (again, once) =
            (store.find_call(again).await.expect("answers"), store.find_call(once).await.expect("answers"));
        let (again, once) = (again.expect("there"), once.expect("there"));
        assert_eq!(
            (again.state, again.retries, again.attempts),
            (CallState::RetryWait, 0, 1),
            "the next server goes on"
        );
        assert_eq!(once.state, CallState::Failed);
        assert_eq!(once.error.expect("an error").kind, "unknown_outcome");
        assert!(once.event.is_some());
        let attempts = store.call_attempts(once.id).await.expect("reads");
        assert_eq!((attempts[0].kind, attempts[0].unknown), (ResultKind::Interrupted, true));
        yard
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_lets_what_ends_in_time_end() {
    each(|yard| async move {
        let upstream = Upstream::start().await;
        publish_source(&yard).await;
        let id = call(&yard, &upstream, "POST").await;
        upstream.is_asked(1).await;
        upstream.open.send_replace(true);
        yard.engine.shut_down(Duration::from_secs(20)).await;
        is(&yard, &yard.engine, id, CallState::Succeeded).await;
        yard
    })
    .await;
}

#[tokio::test]
async fn the_end_goes_where_the_source_leads_when_it_comes() {
    each(|yard| async move {
        let upstream = Upstream::start().await;
        let source = publish_source(&yard).await;
        let id = call(&yard, &upstream, "POST").await;
        upstream.is_asked(1).await;
        let elsewhere = yard.replica();
        // Connected by another replica, of which the one that makes the call has not heard.
        yard.connect_by(&elsewhere, source).await;
        upstream.open.send_replace(true);
        let ended = is(&yard, &yard.engine, id, CallState::Succeeded).await;
        let event = ended.event.expect("an event");
        let found = yard.engine.store.tenant(yard.scope()).find_event(event).await.expect("answers").expect("there");
        assert_eq!(found.deliveries.len(), 1);
        yard
    })
    .await;
}
