//! Sends signed events to one source, in a closed loop (each connection sends when it has its answer) or an open one
//! (so many a second, whatever the answers do), and waits for what was accepted to arrive.

use std::{
    cell::Cell,
    io::Write,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use postern_domain::{Clock, id::fresh_uuid};
use sha2::Sha256;

use crate::{
    http::Connection,
    receiver::Shared,
    tally::{Outcome, Tally},
};

/// How long what was accepted may take to arrive after the last was sent.
const DRAIN: Duration = Duration::from_secs(60);
/// After that, duplicates may still come.
const AFTERMATH: Duration = Duration::from_millis(200);
const RECONNECT: Duration = Duration::from_millis(50);
const PAD_BYTES: usize = 440;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    Closed,
    PerSecond(f64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) pace: Pace,
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
}

/// A source to send to, and the count of what its receiver gets.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) server: SocketAddr,
    pub(crate) path: String,
    pub(crate) secret: String,
    pub(crate) tally: Shared,
}

struct Run {
    target: Target,
    plan: Plan,
    begun: Instant,
    tickets: Cell<u64>,
    /// Makes the provider's event ids different from those of every other run.
    nonce: String,
    pad: String,
    keyed: Hmac<Sha256>,
    clock: Clock,
}

/// Runs the plan to its end.
pub(crate) async fn run(target: &Target, plan: Plan) -> Result<Outcome> {
    let number = target.tally.borrow().run + 1;
    *target.tally.borrow_mut() = Tally::new(number);
    let run = Rc::new(Run {
        target: target.clone(),
        plan,
        begun: Instant::now(),
        tickets: Cell::new(0),
        nonce: fresh_uuid().simple().to_string(),
        pad: "x".repeat(PAD_BYTES),
        keyed: Hmac::new_from_slice(target.secret.as_bytes()).context("a secret for the signatures")?,
        clock: Clock::System,
    });
    let senders: Vec<_> = (0..plan.connections).map(|_| tokio::task::spawn_local(send(Rc::clone(&run)))).collect();
    for sender in senders {
        sender.await?;
    }
    let sent_all = Instant::now();
    while target.tally.borrow().owed() > 0 && sent_all.elapsed() < DRAIN {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(AFTERMATH).await;
    let outcome = target.tally.borrow().outcome();
    Ok(outcome)
}

/// One connection, until the time is over.
async fn send(run: Rc<Run>) {
    let tally = &run.target.tally;
    let mut request = Vec::with_capacity(2_048);
    let mut connection = None;
    while let Some(at) = next_turn(&run).await {
        let number = tally.borrow_mut().next(at);
        let run_number = tally.borrow().run;
        write_request(&run, &mut request, run_number, number);
        if connection.is_none() {
            connection = Connection::open(run.target.server).await.ok();
        }
        let Some(open) = &mut connection else {
            tally.borrow_mut().refused("no connection".to_owned());
            tokio::time::sleep(RECONNECT).await;
            continue;
        };
        match open.exchange(&request).await {
            Ok((200..=299, _)) => tally.borrow_mut().accepted(number),
            Ok((status, body)) => tally.borrow_mut().refused(format!("{status} {}", String::from_utf8_lossy(body))),
            Err(cause) => {
                tally.borrow_mut().refused(cause.to_string());
                connection = None;
            }
        }
    }
}

/// Waits for the next event's turn: since when it wants to be sent. An event that no connection was free for has waited
/// since it was due, and that counts.
async fn next_turn(run: &Run) -> Option<Instant> {
    let at = match run.plan.pace {
        Pace::Closed => Instant::now(),
        Pace::PerSecond(rate) => {
            let ticket = run.tickets.replace(run.tickets.get() + 1);
            let due = run.begun + Duration::from_secs_f64(ticket as f64 / rate);
            if due > Instant::now() && due - run.begun < run.plan.duration {
                tokio::time::sleep_until(due.into()).await;
                Instant::now()
            } else {
                due
            }
        }
    };
    (at - run.begun < run.plan.duration).then_some(at)
}

/// As Stripe sends them: `t=SECONDS,v1=HEX` over `SECONDS.BODY`.
fn write_request(run: &Run, request: &mut Vec<u8>, run_number: u64, number: usize) {
    let (nonce, pad, path) = (&run.nonce, &run.pad, &run.target.path);
    let body = format!(
        r#"{{"id":"evt_{nonce}{number}","type":"payment.succeeded","data":{{"run":{run_number},"seq":{number},"pad":"{pad}"}}}}"#
    );
    let seconds = run.clock.now().as_secs();
    let mut mac = run.keyed.clone();
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    request.clear();
    // Writing into memory does not fail.
    let _ = write!(
        request,
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nuser-agent: postern-load\r\n\
         stripe-signature: t={seconds},v1={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        run.target.server,
        body.len()
    );
}
