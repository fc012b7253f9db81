//! Why a run did not come to its end, and what kind of reason that is.

use postern_domain::{Invalid, Timestamp};
use postern_egress::Exchange;
use postern_polling::{Budget, Meaning, PageFault, Transient};
use postern_store::polling::{DECLARED_BUDGET, RunError};

/// What follows from it is decided in `finish`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// May go away by itself.
    Transient {
        not_before: Option<Timestamp>,
    },
    /// Nobody did anything wrong: not before this.
    Throttled {
        until: Timestamp,
    },
    /// Only a person can help.
    AuthRequired,
    /// 403: may be a rule of the provider, or a missing right.
    Forbidden,
    /// 404 or 410.
    Gone,
    /// The request is not what the API expects, or must not be sent.
    Settings,
    /// The page is not what the settings describe.
    Drift,
    /// The cursor means nothing to the provider any more.
    CursorRefused,
    /// The page token means nothing any more; the cursor may.
    PageTokenRefused,
    TimedOut,
}

#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) error: RunError,
}

impl Failure {
    pub(super) fn new(kind: Kind, class: &str, message: String) -> Self {
        Self { kind, error: RunError { class: class.to_owned(), http: None, field: None, message, streak: None } }
    }

    pub(super) fn at(mut self, field: &str) -> Self {
        self.error.field = Some(field.to_owned());
        self
    }

    pub(super) const fn with_status(mut self, status: Option<u16>) -> Self {
        self.error.http = status;
        self
    }

    /// The cause goes to the log, where it is of use.
    pub(super) fn because(self, cause: &dyn std::error::Error) -> Self {
        tracing::warn!(%cause, "A poll could not go on");
        self
    }

    pub(super) fn invalid(invalid: &Invalid) -> Self {
        Self::new(Kind::Settings, "settings", invalid.detail.clone()).at(&invalid.field)
    }

    pub(super) fn throttled(until: Timestamp) -> Self {
        let message = "the provider wants no more requests for now".to_owned();
        Self::new(Kind::Throttled { until }, "throttled", message)
    }

    /// By what the tenant declared: the provider was not asked.
    pub(super) fn spent(budget: Budget, until: Timestamp) -> Self {
        let Budget { requests, per_s } = budget;
        let message = format!("the budget of {requests} requests in {per_s} s is used up for now");
        Self::new(Kind::Throttled { until }, "throttled", message).at(DECLARED_BUDGET)
    }

    pub(super) fn timed_out() -> Self {
        Self::new(Kind::TimedOut, "timeout", "the run took longer than `limits.run_timeout_s`".to_owned())
            .at("poll.limits.run_timeout_s")
    }

    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        let message = "the database did not answer".to_owned();
        Self::new(Kind::Transient { not_before: None }, "internal", message).because(cause)
    }

    pub(super) fn transient(transient: Transient, exchange: &Exchange) -> Self {
        let message = match (transient, &exchange.detail) {
            (Transient::Status(status), _) => format!("the API answered {status}"),
            (Transient::Incomplete, _) => "the answer broke off".to_owned(),
            (_, Some(detail)) => detail.clone(),
            (_, None) => "the API did not answer".to_owned(),
        };
        Self::new(Kind::Transient { not_before: None }, transient.as_str(), message)
            .at("poll.request.url")
            .with_status(exchange.status)
    }

    /// Of an answer that is no page.
    pub(super) fn of(meaning: Meaning, exchange: &Exchange) -> Self {
        let status = exchange.status.unwrap_or_default();
        let says = || format!("the API answered {status}");
        let failure = match meaning {
            Meaning::Throttled { until } => Self::throttled(until),
            Meaning::AuthRefused => Self::new(Kind::AuthRequired, "auth", "the API refuses the credential".to_owned())
                .at("poll.request.auth"),
            Meaning::Forbidden => Self::new(Kind::Forbidden, "forbidden", "the API refuses this request".to_owned())
                .at("poll.request.auth"),
            Meaning::Gone => Self::new(Kind::Gone, "gone", says()).at("poll.request.url"),
            Meaning::CursorRefused => {
                Self::new(Kind::CursorRefused, "cursor", "the API refuses the cursor".to_owned()).at("poll.cursor")
            }
            Meaning::PageTokenRefused => {
                let message = match exchange.status {
                    Some(404) => {
                        "the API answers 404 to a later page; where it does so behind its last page, in place of \
                                  an empty one, follow its links instead (`link`, `body_link`)"
                    }
                    _ => "the API refuses the page it named before",
                };
                let message = message.to_owned();
                Self::new(Kind::PageTokenRefused, "page_token", message).at("poll.paginate")
            }
            Meaning::TooLarge => {
                let message = "the page is larger than `limits.max_bytes`; ask for smaller pages".to_owned();
                Self::new(Kind::Drift, "too_large", message).at("poll.limits.max_bytes")
            }
            Meaning::Blocked => {
                let detail = exchange.detail.clone().unwrap_or_else(|| "the address is not a public one".to_owned());
                Self::new(Kind::Settings, "blocked", detail).at("poll.request.url")
            }
            Meaning::Transient(transient) => Self::transient(transient, exchange),
            Meaning::Config { .. } | Meaning::Redirect | Meaning::Page | Meaning::NotModified => {
                Self::new(Kind::Settings, "http", says()).at("poll.request")
            }
        };
        failure.with_status(exchange.status)
    }

    /// Of a page that is not what the settings describe.
    pub(super) fn fault(fault: &PageFault) -> Self {
        let (kind, class, field) = match fault {
            PageFault::Loop => (Kind::Settings, "loop", "poll.paginate".to_owned()),
            PageFault::ForeignOrigin { .. } => (Kind::Settings, "foreign_origin", "poll.paginate".to_owned()),
            PageFault::Redirect { .. } => (Kind::Settings, "redirect", "poll.request.url".to_owned()),
            PageFault::Malformed { field, .. } => (Kind::Drift, "page", field.clone()),
            PageFault::NotJson { .. } => (Kind::Drift, "not_json", "poll.format".to_owned()),
            PageFault::NotFeed { .. } => (Kind::Drift, "not_feed", "poll.format".to_owned()),
            PageFault::PathMissing { .. } => (Kind::Drift, "path_missing", "poll.items".to_owned()),
            PageFault::TooManyItems { .. } => (Kind::Drift, "too_many_items", "poll.items".to_owned()),
        };
        Self::new(kind, class, fault.to_string()).at(&field)
    }
}
