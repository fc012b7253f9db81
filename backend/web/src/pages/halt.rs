//! What a page ends with when it cannot be shown: the way to the log-in page, or a page that says what is wrong.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use postern_frontend::{links, pages::error::ErrorPage, parts::Link, shell::Plain};
use postern_store::StoreError;

use super::answer::{self, Nonce};
use crate::problem::{Code, Problem};

/// Why there is no such page for this visitor, now.
#[derive(Debug)]
pub enum Halt {
    /// Nobody is logged in. `next`: where to go on afterwards.
    LogIn {
        next: Option<String>,
    },
    /// The password must be given once more first.
    StepUp {
        next: String,
    },
    Problem(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Halt {
    fn from(cause: StoreError) -> Self {
        Self::Problem(cause.into())
    }
}

impl From<postern_pipeline::configure::ConfigureError> for Halt {
    fn from(cause: postern_pipeline::configure::ConfigureError) -> Self {
        Self::Problem(cause.into())
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogIn { .. } => f.write_str("nobody is logged in"),
            Self::StepUp { .. } => f.write_str("the password is needed once more"),
            Self::Problem(problem) => problem.fmt(f),
        }
    }
}

impl ResponseError for Halt {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::LogIn { .. } | Self::StepUp { .. } => StatusCode::SEE_OTHER,
            Self::Problem(problem) => problem.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::LogIn { next } => {
                answer::see_other(&links::with_query(links::LOGIN, &[("next", next.as_deref().unwrap_or_default())]))
            }
            Self::StepUp { next } => answer::see_other(&links::with_query(links::REAUTH, &[("next", next)])),
            Self::Problem(problem) => page(problem),
        }
    }
}

fn page(problem: &Problem) -> HttpResponse {
    let nonce = Nonce::fresh();
    let page = ErrorPage {
        plain: Plain { nonce: nonce.text(), ..Plain::default() },
        status: problem.status_code().as_u16(),
        title: problem.code().title().to_owned(),
        text: problem.detail().to_owned(),
        advice: advice(problem.code()).to_owned(),
        links: vec![Link { href: "/".to_owned(), text: "Overview".to_owned() }],
        trace_id: problem.trace_id().map(str::to_owned),
    };
    let mut response = answer::html(problem.status_code(), &page, &nonce);
    problem.add_headers(response.headers_mut());
    response
}

const fn advice(code: Code) -> &'static str {
    match code {
        Code::NotFound => {
            "It may have been deleted, be past its retention, or belong to a tenant you are not a member of."
        }
        Code::PermissionMissing | Code::AddressNotAllowed => "Ask an owner or admin of this tenant.",
        Code::InvalidQuery | Code::InvalidCursor => "Go back to the list and set the filter again.",
        Code::RateLimited => "Wait a little, then try again.",
        Code::Internal => "Try again. If it stays so, tell whoever runs Postern the trace id below.",
        Code::Unavailable => {
            "The database does not answer at the moment. Nothing was lost; try again in a few seconds."
        }
        _ => "Go back and try again.",
    }
}
