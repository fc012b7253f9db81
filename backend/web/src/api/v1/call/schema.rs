//! The shapes of domain values around calls, for the OpenAPI document.
#![expect(dead_code, reason = "described, never made")]

use utoipa::{IntoParams, ToSchema};

/// Where a call is in its life; the last four are for ever.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum CallState {
    Scheduled,
    Queued,
    Running,
    RetryWait,
    Cancelling,
    Succeeded,
    Failed,
    Expired,
    Cancelled,
}

/// Why a call did not succeed.
#[derive(ToSchema)]
pub(crate) struct CallError {
    /// `upstream_status`, `dns`, `connect`, `tls`, `timeout`, `blocked`, `unknown_outcome`, `internal`, `expired` or
    /// `cancelled`.
    r#type: String,
    title: String,
    detail: String,
    upstream_status: Option<u16>,
    /// The same call may succeed another time, and nothing is known to have been done yet.
    retryable: bool,
}

/// `Prefer`, RFC 7240.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct PreferHeader {
    /// `wait=N` waits up to N seconds, 60 at most, for the end of the call.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}
