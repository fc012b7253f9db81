//! Pages that go on: what one shows is sent again whenever it has changed, as server-sent events (HTML Living Standard,
//! section 9.2).
//!
//! A message holds the whole of the part that changes, rendered by the code that rendered the page; its id says what it
//! holds, so that a browser which comes back is told only what it has not seen. Before each look the session and the
//! role are asked for anew. A stream looks once a second, less often where looking takes long.

use std::{convert::Infallible, future::Future, hash::Hasher as _, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures_util::StreamExt;
use postern_frontend::{Page, links};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use super::Halt;
use crate::{
    App,
    auth::{Member, Need},
    problem::{Code, Problem},
};

/// Between two looks, and how much longer than a look the time between them is.
const EVERY: Duration = Duration::from_secs(1);
const RARELY: Duration = Duration::from_secs(15);
const RESTS: u32 = 20;
/// After so long without a change something is sent all the same: only who is written to is noticed to be gone.
const SILENCE: Duration = Duration::from_secs(5);
/// Streams of this process; a page that gets none is as it would be without JavaScript.
const STREAMS: usize = 128;
const FULL: Duration = Duration::from_secs(30);
/// The parameter with the mark of what a page shows already.
pub(super) const SEEN: &str = "seen";

/// What all streams of a process share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live {
    room: Arc<Semaphore>,
    closing: Arc<watch::Sender<bool>>,
}

impl Default for Live {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(STREAMS)), closing: Arc::new(watch::Sender::new(false)) }
    }
}

impl Live {
    /// Ends all streams, so that a shutdown need not wait for them.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns once the server is about to stop.
    pub(crate) async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        // The sender lives in `self`, so this only ends when told.
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

/// The part of a page that goes on.
pub(super) struct Part {
    text: String,
    /// Says what it shows.
    mark: String,
    /// Nothing will change any more.
    last: bool,
}

impl Part {
    /// `csrf` is the token in its forms, by which alone it may differ from another that shows the same.
    pub(super) fn of(part: &impl Page, csrf: &str) -> Result<Self, Halt> {
        let text = part.html().map_err(|_| Problem::internal(&"a part of a page could not be shown"))?;
        Ok(Self { mark: mark_of(&text, csrf), text, last: false })
    }

    pub(super) fn and_last(self, last: bool) -> Self {
        Self { last, ..self }
    }

    /// Where the page that shows it hears what comes after it. `here`: the stream with its filters.
    pub(super) fn live_href(&self, here: &str) -> Option<String> {
        (!self.last).then(|| links::with_query(here, &[(SEEN, &self.mark)]))
    }
}

fn mark_of(text: &str, csrf: &str) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    text.split(csrf).for_each(|piece| hasher.write(piece.as_bytes()));
    format!("{:016x}", hasher.finish())
}

/// Answers with the stream of what `view` gives for the member as they are at the time. `seen`: the mark of what the
/// page shows already.
pub(super) async fn stream<N, F, V>(
    app: &Data<App>,
    request: &HttpRequest,
    member: Result<Member<N>, Halt>,
    seen: Option<String>,
    view: F,
) -> Result<HttpResponse, Halt>
where
    N: Need,
    F: Fn(Data<App>, Member<N>) -> V + 'static,
    V: Future<Output = Result<Part, Halt>> + 'static,
{
    let member = member.map_err(|halt| match halt {
        // Who asks is a script: it would take the log-in page for news.
        Halt::LogIn { .. } => Problem::new(Code::Unauthenticated, "The session has ended. Log in again.").into(),
        other => other,
    })?;
    let permit = Arc::clone(&app.live.room).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::rate_limited(FULL, "Too many pages are live at once."))?;
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    // What cannot be shown is refused like the page.
    let first = view(app.clone(), member.again(app).await?).await?;
    let (next, app) = (Instant::now() + EVERY, app.clone());
    let mut stream =
        Stream { app, member, view, seen: last.or(seen), next, told: Instant::now(), over: false, _permit: permit };
    let first = stream.news(&first).map(|news| Ok(Bytes::from(news)));
    let first = futures_util::stream::iter(first);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies that gather before they pass on would hold the news back.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(first.chain(futures_util::stream::unfold(stream, Stream::message))))
}

struct Stream<N: Need, F> {
    app: Data<App>,
    member: Member<N>,
    view: F,
    seen: Option<String>,
    next: Instant,
    told: Instant,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl<N, F, V> Stream<N, F>
where
    N: Need,
    F: Fn(Data<App>, Member<N>) -> V,
    V: Future<Output = Result<Part, Halt>>,
{
    /// Waits for the next message, then for the next time somebody takes one: a reader that stalls costs nothing.
    async fn message(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        while !self.over {
            tokio::select! {
                biased;
                () = self.app.live.closed() => return None,
                () = tokio::time::sleep_until(self.next) => {}
            }
            let begun = Instant::now();
            let shown = self.look().await;
            self.next = begun + (begun.elapsed() * RESTS).clamp(EVERY, RARELY);
            let message = match shown {
                Ok(part) => self.news(&part),
                // The database may come back; until then the page stays as it is.
                Err(Halt::Problem(problem)) if problem.code().status().is_server_error() => None,
                Err(_) => {
                    self.over = true;
                    Some("event: ended\ndata:\n\n".to_owned())
                }
            };
            let quiet = || (self.told.elapsed() >= SILENCE).then(|| ":\n\n".to_owned());
            if let Some(message) = message.or_else(quiet) {
                self.told = Instant::now();
                return Some((Ok(Bytes::from(message)), self));
            }
        }
        None
    }

    async fn look(&self) -> Result<Part, Halt> {
        let member = self.member.again(&self.app).await?;
        (self.view)(self.app.clone(), member).await
    }

    /// None when it has been told.
    fn news(&mut self, part: &Part) -> Option<String> {
        let is_new = self.seen.as_ref() != Some(&part.mark);
        let mut news = if is_new { message(&part.mark, &part.text) } else { String::new() };
        if part.last {
            self.over = true;
            news.push_str("event: done\ndata:\n\n");
        }
        self.seen = Some(part.mark.clone());
        (!news.is_empty()).then_some(news)
    }
}

/// Whatever the text holds, it stays within its message.
fn message(id: &str, text: &str) -> String {
    let mut message = format!("id: {id}\n");
    for line in text.split(['\n', '\r']) {
        message.push_str("data: ");
        message.push_str(line);
        message.push('\n');
    }
    message.push('\n');
    message
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_text_cannot_end_its_message() {
        let text = "a\n\nevent: ended\r\rid: 7\r\n\r\nb";
        let lines: Vec<String> = message("1", text).lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "id: 1");
        let (end, data) = lines[1..].split_last().expect("lines");
        assert!(end.is_empty() && data.iter().all(|line| line.starts_with("data: ")), "{lines:?}");
    }
}
