//! What follows from a try.

use serde::{Deserialize, Serialize};

use super::CallRetry;
use crate::{attempt::ResultKind, time::Timestamp};

/// So many times the first wait is doubled; by then the cap has long been reached.
const MOST_DOUBLINGS: u32 = 20;
/// Each wait is stretched or shortened at random by up to this share.
const JITTER_PCT: i64 = 10;

/// What one try came to, as far as the next step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    pub kind: ResultKind,
    pub status: Option<u16>,
    /// From the answer's Retry-After, in seconds from now; of any size.
    pub retry_after_s: Option<u64>,
    /// The request may have reached the upstream.
    pub may_have_left: bool,
}

/// How the call stands when the try has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Retries that were spent before.
    pub retries: u32,
    /// Somebody called it off meanwhile.
    pub is_called_off: bool,
    pub now: Timestamp,
    pub deadline_at: Timestamp,
}

/// Why a call did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The upstream answered, and not with 2xx.
    UpstreamStatus,
    Dns,
    Connect,
    Tls,
    Timeout,
    /// The address is not one that may be reached.
    Blocked,
    /// The request may have been carried out, and would do harm twice.
    UnknownOutcome,
    Internal,
    /// The deadline passed.
    Expired,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Succeeded,
    Failed(Failure),
    Expired,
    Cancelled,
    /// `retries` were spent by then: an interruption of ours spends none.
    Again {
        due_at: Timestamp,
        retries: u32,
    },
}

/// Why a call did not succeed, as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_status: Option<u16>,
    /// The same call may succeed another time, and nothing was done yet as far as is known.
    pub retryable: bool,
}

enum Class {
    Good,
    Passing,
    Lasting,
}

impl Tried {
    /// It is not known whether the request was carried out.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.status.is_none() && (self.may_have_left || self.kind == ResultKind::Interrupted)
    }

    fn class(&self) -> Option<Class> {
        Some(match self.status? {
            200..=299 => Class::Good,
            408 | 425 | 429 | 500..=599 => Class::Passing,
            _ => Class::Lasting,
        })
    }

    fn failure(&self) -> Failure {
        if self.status.is_some() {
            return Failure::UpstreamStatus;
        }
        match self.kind {
            ResultKind::Timeout => Failure::Timeout,
            ResultKind::Dns => Failure::Dns,
            ResultKind::Connect => Failure::Connect,
            ResultKind::Tls => Failure::Tls,
            ResultKind::Blocked => Failure::Blocked,
            ResultKind::Interrupted | ResultKind::TooLarge => Failure::UnknownOutcome,
            // Of what is pulled from a queue there is no call.
            ResultKind::Answered
            | ResultKind::Superseded
            | ResultKind::Internal
            | ResultKind::Acknowledged
            | ResultKind::Rejected
            | ResultKind::LeaseExpired => Failure::Internal,
        }
    }
}

/// What follows on the try that has just ended. `chance` is uniform in 0.0..1.0.
#[must_use]
pub fn judge(retry: &CallRetry, tried: &Tried, standing: &Standing, chance: f64) -> Verdict {
    match tried.class() {
        Some(Class::Good) => return Verdict::Succeeded,
        Some(Class::Lasting) => return Verdict::Failed(Failure::UpstreamStatus),
        Some(Class::Passing) | None => {}
    }
    if standing.is_called_off {
        return Verdict::Cancelled;
    }
    let failure = tried.failure();
    if matches!(failure, Failure::Blocked | Failure::Internal) {
        return Verdict::Failed(failure);
    }
    if tried.is_unknown() && !retry.on_unknown {
        return Verdict::Failed(Failure::UnknownOutcome);
    }
    let is_ours = tried.kind == ResultKind::Interrupted;
    if !is_ours && standing.retries >= retry.max {
        return Verdict::Failed(failure);
    }
    let wait_ms = if is_ours { 0 } else { wait_ms(retry, tried, standing.retries, chance) };
    let due_at = standing.now.plus_ms(wait_ms);
    if standing.now >= standing.deadline_at {
        return Verdict::Expired;
    }
    if due_at >= standing.deadline_at {
        // There is no time left for another.
        return Verdict::Failed(failure);
    }
    Verdict::Again { due_at, retries: standing.retries + u32::from(!is_ours) }
}

fn wait_ms(retry: &CallRetry, tried: &Tried, retries: u32, chance: f64) -> i64 {
    let cap_ms = i64::from(retry.cap_s) * 1_000;
    let doubled = i64::from(retry.base_s) * 1_000 * (1 << retries.min(MOST_DOUBLINGS));
    let usual = doubled.min(cap_ms);
    let reach = usual * JITTER_PCT / 100;
    let thousandths = if chance.is_nan() { 500 } else { (chance.clamp(0.0, 1.0) * 1_000.0).round() as i64 };
    let jittered = usual - reach + 2 * reach * thousandths / 1_000;
    let asked = i64::try_from(tried.retry_after_s.unwrap_or(0)).unwrap_or(i64::MAX).saturating_mul(1_000);
    jittered.max(asked).min(cap_ms)
}

impl Failure {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpstreamStatus => "upstream_status",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Blocked => "blocked",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Internal => "internal",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::UpstreamStatus => "The upstream answered with an error",
            Self::Dns => "The host's name was not found",
            Self::Connect => "The upstream could not be reached",
            Self::Tls => "No secure connection could be made",
            Self::Timeout => "The upstream did not answer in time",
            Self::Blocked => "This address may not be reached",
            Self::UnknownOutcome => "It is not known whether the request was carried out",
            Self::Internal => "The request could not be made",
            Self::Expired => "The deadline passed",
            Self::Cancelled => "The call was cancelled",
        }
    }

    /// As it is kept. `last` is the last try, if there was one.
    #[must_use]
    pub fn explained(self, last: Option<&Tried>, detail: &str) -> CallError {
        let upstream_status = last.and_then(|tried| tried.status);
        let is_passing = last.is_some_and(|tried| matches!(tried.class(), Some(Class::Passing)));
        let retryable = match self {
            Self::UpstreamStatus => is_passing,
            Self::Dns | Self::Connect | Self::Tls | Self::Timeout => last.is_some_and(|tried| !tried.is_unknown()),
            Self::Expired => last.is_none_or(|tried| !tried.is_unknown()),
            Self::Blocked | Self::UnknownOutcome | Self::Internal | Self::Cancelled => false,
        };
        CallError {
            kind: self.as_str().to_owned(),
            title: self.title().to_owned(),
            detail: detail.to_owned(),
            upstream_status,
            retryable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const RETRY: CallRetry = CallRetry { max: 2, base_s: 10, cap_s: 60, on_unknown: true };

    fn answered(status: u16, retry_after_s: Option<u64>) -> Tried {
        Tried { kind: ResultKind::Answered, status: Some(status), retry_after_s, may_have_left: true }
    }

    fn silent(kind: ResultKind, may_have_left: bool) -> Tried {
        Tried { kind, status: None, retry_after_s: None, may_have_left }
    }

    fn after(retries: u32) -> Standing {
        Standing { retries, is_called_off: false, now: NOW, deadline_at: NOW.plus_secs(3_600) }
    }

    fn again(wait_s: i64, retries: u32) -> Verdict {
        Verdict::Again { due_at: NOW.plus_secs(wait_s), retries }
    }

    #[test]
    fn the_status_decides() {
        for status in [200, 204, 299] {
            assert_eq!(judge(&RETRY, &answered(status, None), &after(2), 0.5), Verdict::Succeeded);
        }
        for status in [300, 302, 400, 404, 409, 410, 422] {
            let refused = Verdict::Failed(Failure::UpstreamStatus);
            assert_eq!(judge(&RETRY, &answered(status, None), &after(0), 0.5), refused, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 599] {
            assert_eq!(judge(&RETRY, &answered(status, None), &after(0), 0.5), again(10, 1), "{status}");
            let refused = Verdict::Failed(Failure::UpstreamStatus);
            assert_eq!(judge(&RETRY, &answered(status, None), &after(2), 0.5), refused, "{status}");
        }
    }

    #[test]
    fn waits_are_doubled_and_capped_whatever_the_upstream_asks_for() {
        let unavailable = |asked| answered(503, asked);
        for (retries, asked, wait_s) in
            [(0, None, 10), (1, None, 20), (0, Some(15), 15), (0, Some(1), 10), (0, Some(u64::MAX), 60)]
        {
            assert_eq!(judge(&RETRY, &unavailable(asked), &after(retries), 0.5), again(wait_s, retries + 1));
        }
        let long = CallRetry { max: u32::MAX, ..RETRY };
        assert_eq!(judge(&long, &unavailable(None), &after(1_000), 1.0), again(60, 1_001));
        assert_eq!(judge(&long, &unavailable(None), &after(0), 0.0), again(9, 1));
        assert_eq!(judge(&long, &unavailable(None), &after(0), f64::NAN), again(10, 1));
    }

    #[test]
    fn an_unknown_outcome_is_tried_again_only_where_that_does_no_harm() {
        let careful = CallRetry { on_unknown: false, ..RETRY };
        for kind in [ResultKind::Timeout, ResultKind::Connect, ResultKind::Interrupted, ResultKind::TooLarge] {
            let left = silent(kind, true);
            assert!(left.is_unknown());
            assert_eq!(judge(&careful, &left, &after(0), 0.5), Verdict::Failed(Failure::UnknownOutcome));
            assert!(matches!(judge(&RETRY, &left, &after(0), 0.5), Verdict::Again { .. }));
        }
        for kind in [ResultKind::Dns, ResultKind::Connect, ResultKind::Tls] {
            assert_eq!(judge(&careful, &silent(kind, false), &after(0), 0.5), again(10, 1));
        }
        assert_eq!(
            judge(&careful, &silent(ResultKind::Connect, false), &after(2), 0.5),
            Verdict::Failed(Failure::Connect)
        );
    }

    #[test]
    fn an_interruption_of_ours_spends_no_retry() {
        assert_eq!(judge(&RETRY, &silent(ResultKind::Interrupted, true), &after(2), 0.5), again(0, 2));
    }

    #[test]
    fn there_is_no_try_after_the_deadline() {
        let soon = |left_s| Standing { deadline_at: NOW.plus_secs(left_s), ..after(0) };
        assert_eq!(judge(&RETRY, &answered(503, None), &soon(11), 0.5), again(10, 1));
        assert_eq!(judge(&RETRY, &answered(503, None), &soon(10), 0.5), Verdict::Failed(Failure::UpstreamStatus));
        assert_eq!(judge(&RETRY, &answered(503, None), &soon(0), 0.5), Verdict::Expired);
        assert_eq!(judge(&RETRY, &answered(200, None), &soon(0), 0.5), Verdict::Succeeded);
    }

    #[test]
    fn an_answer_that_came_first_is_kept_though_the_call_was_called_off() {
        let called_off = Standing { is_called_off: true, ..after(0) };
        assert_eq!(judge(&RETRY, &answered(200, None), &called_off, 0.5), Verdict::Succeeded);
        assert_eq!(judge(&RETRY, &answered(404, None), &called_off, 0.5), Verdict::Failed(Failure::UpstreamStatus));
        for tried in [answered(503, None), silent(ResultKind::Interrupted, true), silent(ResultKind::Dns, false)] {
            assert_eq!(judge(&RETRY, &tried, &called_off, 0.5), Verdict::Cancelled);
        }
    }

    #[test]
    fn what_can_never_work_fails_at_once() {
        for (kind, failure) in [(ResultKind::Blocked, Failure::Blocked), (ResultKind::Internal, Failure::Internal)] {
            assert_eq!(judge(&RETRY, &silent(kind, false), &after(0), 0.5), Verdict::Failed(failure));
        }
        let told = Failure::UpstreamStatus.explained(Some(&answered(503, None)), "it answered 503");
        assert_eq!((told.upstream_status, told.retryable, told.kind.as_str()), (Some(503), true, "upstream_status"));
        assert!(!Failure::UpstreamStatus.explained(Some(&answered(404, None)), "").retryable);
        assert!(!Failure::Timeout.explained(Some(&silent(ResultKind::Timeout, true)), "").retryable);
        assert!(Failure::Connect.explained(Some(&silent(ResultKind::Connect, false)), "").retryable);
    }
}
