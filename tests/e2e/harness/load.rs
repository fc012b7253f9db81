//! A sender that goes on whatever happens: unique signed events at a steady rate, each sent again until it is accepted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until},
};

use super::{Api, Route, STRIPE_SECRET, sign, text, until};

/// Between two tries of one event: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
/// Requests at one moment. What waits for its turn is sent as soon as there is room.
const AT_ONCE: usize = 64;
/// For all that is under way to be accepted, once no more is begun.
const LAST_ANSWER: Duration = Duration::from_secs(60);

/// Sends in an open loop: what is slow or refused does not slow down what comes after it.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Event `n` is for front door `n` modulo their number, and each front door is a source.
    front_doors: Vec<String>,
    servers: Mutex<Vec<Api>>,
    accepted: Mutex<HashMap<String, String>>,
    refusals: Mutex<BTreeMap<String, usize>>,
    room: Semaphore,
    under_way: AtomicUsize,
    stopped: AtomicBool,
}

impl Load {
    /// Begins, at `per_s` events a second, to the front doors of all `routes`, at the server of the first.
    pub(crate) fn start(routes: &[Route], per_s: u32) -> Self {
        let load = Self {
            inner: Arc::new(Inner {
                front_doors: routes.iter().map(|route| route.front_door.clone()).collect(),
                servers: Mutex::new(routes.iter().take(1).map(|route| route.api.clone()).collect()),
                accepted: Mutex::default(),
                refusals: Mutex::default(),
                room: Semaphore::new(AT_ONCE),
                under_way: AtomicUsize::new(0),
                stopped: AtomicBool::new(false),
            }),
        };
        let ours = load.clone();
        tokio::spawn(async move { ours.run(Duration::from_secs(1) / per_s).await });
        load
    }

    async fn run(&self, apart: Duration) {
        let begun = Instant::now();
        for number in 0.. {
            sleep_until(begun + apart * number).await;
            if self.inner.stopped.load(Ordering::SeqCst) {
                return;
            }
            self.inner.under_way.fetch_add(1, Ordering::SeqCst);
            let ours = self.clone();
            tokio::spawn(async move { ours.send(number).await });
        }
    }

    /// The same body, until it is accepted.
    async fn send(&self, number: u32) {
        let turn = usize::try_from(number).expect("a small number");
        let front_door = &self.inner.front_doors[turn % self.inner.front_doors.len()];
        let own_id = format!("evt_{number}");
        let body = sign::stripe_body(&own_id, "payment.paid");
        let mut pause = FIRST_PAUSE;
        for attempt in 0.. {
            let server = {
                let servers = self.inner.servers.lock().expect("not poisoned");
                servers[(turn + attempt) % servers.len()].clone()
            };
            let room = self.inner.room.acquire().await.expect("never closed");
            let headers = sign::stripe(STRIPE_SECRET, sign::now_s(), &body);
            let answer = server.post_raw(front_door, &headers, &body).await;
            drop(room);
            let refusal = match answer {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.inner.accepted.lock().expect("not poisoned").insert(own_id, text(&answer.json(), "id"));
                    break;
                }
                Ok(answer) => format!("{} {}", answer.status, answer.header("retry-after").unwrap_or("-")),
                Err(_) => "no answer".to_owned(),
            };
            *self.inner.refusals.lock().expect("not poisoned").entry(refusal).or_default() += 1;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.inner.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    /// From now on the servers take turns.
    pub(crate) fn aim_at(&self, servers: &[&Api]) {
        *self.inner.servers.lock().expect("not poisoned") = servers.iter().map(|api| (*api).clone()).collect();
    }

    pub(crate) fn accepted_count(&self) -> usize {
        self.inner.accepted.lock().expect("not poisoned").len()
    }

    /// How often events were refused, by status and Retry-After, as in `503 2` or `500 -`; or `no answer`.
    pub(crate) fn refusals(&self) -> BTreeMap<String, usize> {
        self.inner.refusals.lock().expect("not poisoned").clone()
    }

    /// Begins no more, and waits until all that was begun is accepted. Gives the sender's ids with the events' ids.
    pub(crate) async fn stop(&self) -> HashMap<String, String> {
        self.inner.stopped.store(true, Ordering::SeqCst);
        until(LAST_ANSWER, "every event is accepted in the end", || self.inner.under_way.load(Ordering::SeqCst) == 0)
            .await;
        self.inner.accepted.lock().expect("not poisoned").clone()
    }
}
