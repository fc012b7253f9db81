//! One page of an API: asked for under the budget, with a credential, through the guarded client, again where a failure
//! may be over in a moment; and what the answer means.
//!
//! Redirects are followed within one origin only. So a credential never goes anywhere else.

use std::time::{Duration, Instant};

use bytes::Bytes;
use postern_domain::{Secret, TenantId, Timestamp};
use postern_egress::{Exchange, OutboundRequest};
use postern_polling::{
    Asked, Auth, Budget, Hints, Meaning, PageAnswer, PageRequest, PollSettings, follow, hints, judge,
};

use super::{
    auth::{self, NoToken, Wanted, Writes},
    budget::{self, Allowance, Asker, BudgetKey},
    failure::{Failure, Kind},
};
use crate::Engine;

/// After a failure that may be over in a moment, so long is waited for the next try.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Asks for the pages of one run.
pub(super) struct Fetcher<'a> {
    pub(super) engine: &'a Engine,
    pub(super) tenant: TenantId,
    pub(super) settings: &'a PollSettings,
    pub(super) budget: BudgetKey,
    pub(super) asker: Asker,
    pub(super) writes: Writes,
    /// Of the whole run.
    pub(super) deadline: Instant,
    /// A template named the cursor, and there was one.
    pub(super) has_cursor: bool,
    /// Requests to the API so far, those that were redirected or failed among them.
    pub(super) requests: i64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) request: &'a PageRequest,
    /// It says which version of the page is known.
    pub(super) is_conditional: bool,
    /// It carries what an earlier page gave.
    pub(super) has_page_token: bool,
}

/// An answer and what it means.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) meaning: Meaning,
    pub(super) hints: Hints,
    pub(super) exchange: Exchange,
    /// What was asked in the end, wherever redirects led.
    pub(super) asked: PageRequest,
    /// That was shown, where one was made for it.
    pub(super) token: Option<Secret<String>>,
}

impl Fetched {
    pub(super) fn answer(&self) -> PageAnswer<'_> {
        answer(&self.exchange)
    }
}

impl Fetcher<'_> {
    /// Asks until there is an answer that counts, or no more is to be tried.
    ///
    /// # Errors
    /// When nothing was asked, or nothing that counts came back.
    pub(super) async fn fetch(&mut self, ask: Ask<'_>) -> Result<Fetched, Failure> {
        // Whoever rehearses waits for the answer, and sees what went wrong.
        let pauses = if self.writes == Writes::Yes { RETRY_AFTER.as_slice() } else { &[] };
        let mut tries = pauses.iter();
        loop {
            let fetched = self.ask_with_token(ask).await?;
            let Meaning::Transient(transient) = fetched.meaning else { return Ok(fetched) };
            let failure = Failure::transient(transient, &fetched.exchange);
            let Some(pause) = tries.next().filter(|pause| Instant::now() + **pause < self.deadline) else {
                return Err(failure);
            };
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.engine.tasks.stopped() => return Err(failure),
            }
        }
    }

    async fn ask_with_token(&mut self, ask: Ask<'_>) -> Result<Fetched, Failure> {
        let settings = self.settings;
        let auth = &settings.request.auth;
        let token = self.token(auth, Wanted::Any).await?;
        let fetched = self.follow(ask, token.as_ref()).await?;
        let Some(refused) = token.filter(|_| fetched.meaning == Meaning::AuthRefused) else { return Ok(fetched) };
        // It may have ended early. If the token server has no other one, the answer stands.
        let newer = self.token(auth, Wanted::OtherThan(&refused)).await?;
        if newer.as_ref() == Some(&refused) {
            return Ok(fetched);
        }
        self.follow(ask, newer.as_ref()).await
    }

    /// Sends, and follows redirects.
    async fn follow(&mut self, ask: Ask<'_>, token: Option<&Secret<String>>) -> Result<Fetched, Failure> {
        let mut asked = ask.request.clone();
        let mut followed = 0;
        loop {
            let exchange = self.send(&asked, token).await?;
            let now = self.engine.clock.now();
            let terms = Asked {
                now,
                max_bytes: self.max_bytes(),
                is_conditional: ask.is_conditional,
                has_page_token: ask.has_page_token,
                has_cursor: self.has_cursor,
            };
            let (meaning, hints) = (judge(&answer(&exchange), &terms), hints(&exchange.headers, now));
            self.learn(meaning, &hints, now);
            if meaning != Meaning::Redirect {
                return Ok(Fetched { meaning, hints, exchange, asked, token: token.cloned() });
            }
            asked = follow(&asked, &answer(&exchange), followed).map_err(|fault| Failure::fault(&fault))?;
            followed += 1;
        }
    }

    async fn send(&mut self, asked: &PageRequest, token: Option<&Secret<String>>) -> Result<Exchange, Failure> {
        let now = self.engine.clock.now();
        self.engine.polls.budgets.take(&self.budget, self.asker, now).map_err(Failure::throttled)?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::timed_out());
        }
        let signed = asked.signed(&self.settings.request.auth, token);
        let signed = signed.map_err(|invalid| Failure::invalid(&invalid))?;
        let url =
            self.engine.egress.check_url(signed.url.expose()).map_err(|blocked| {
                Failure::new(Kind::Settings, "blocked", blocked.to_string()).at("poll.request.url")
            })?;
        // Last of all: what is taken is to be sent.
        self.take_of_declared().await?;
        let now = self.engine.clock.now();
        self.requests += 1;
        let outbound = OutboundRequest {
            method: signed.method,
            url,
            headers: signed.headers,
            body: Bytes::from(signed.body),
            timeout: Duration::from_secs(u64::from(self.settings.limits.request_timeout_s)).min(left),
            max_response_bytes: self.max_bytes(),
            now,
        };
        Ok(self.engine.egress.send(outbound).await)
    }

    /// What the settings themselves declare counts also where they are not saved yet.
    async fn take_of_declared(&self) -> Result<(), Failure> {
        let shared = self.engine.routing.read().declared.tightest(&self.budget);
        let declared = shared.into_iter().chain(self.settings.limits.budget).reduce(Budget::tightest);
        let Some(declared) = declared else { return Ok(()) };
        let taken = budget::take(&self.engine.store, &self.budget, declared, self.asker).await;
        let room = taken.map_err(|cause| Failure::internal(&cause))?;
        room.map_err(|wait_ms| Failure::spent(declared, self.engine.clock.now().plus_ms(wait_ms)))
    }

    fn max_bytes(&self) -> usize {
        usize::try_from(self.settings.limits.max_bytes).unwrap_or(usize::MAX)
    }

    async fn token(&self, auth: &Auth, wanted: Wanted<'_>) -> Result<Option<Secret<String>>, Failure> {
        let whole = auth::token(self.engine, (self.tenant, auth), wanted, self.writes).await;
        whole.map_err(|cause| match cause {
            NoToken::Refused { status, message } => {
                Failure::new(Kind::AuthRequired, "auth", message).at("poll.request.auth").with_status(status)
            }
            NoToken::Unreachable { message, until } => {
                Failure::new(Kind::Transient { not_before: Some(until) }, "auth", message).at("poll.request.auth")
            }
            NoToken::Settings { field, message } => Failure::new(Kind::Settings, "settings", message).at(field),
            NoToken::Store(cause) => {
                Failure::new(Kind::Transient { not_before: None }, "internal", "the database did not answer".to_owned())
                    .because(&*cause)
            }
        })
    }

    fn learn(&self, meaning: Meaning, hints: &Hints, now: Timestamp) {
        let budgets = &self.engine.polls.budgets;
        if let Some(rate) = hints.rate {
            let allowance = Allowance { limit: rate.limit, remaining: rate.remaining, reset_at: rate.reset_at };
            budgets.learn(&self.budget, allowance, now);
        }
        let until = match meaning {
            Meaning::Throttled { until } => Some(until),
            _ => hints.exhausted_until,
        };
        if let Some(until) = until {
            budgets.block(&self.budget, until, now);
        }
    }
}

fn answer(exchange: &Exchange) -> PageAnswer<'_> {
    PageAnswer {
        kind: exchange.kind,
        status: exchange.status,
        headers: &exchange.headers,
        body: &exchange.body,
        truncated: exchange.truncated,
    }
}
