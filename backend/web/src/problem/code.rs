//! The table of all problems: a stable code, its status and its title. Scripts rely on the codes.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $title:literal;)+) => {
        /// What kind of problem. Its text never changes once it was released.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name),+ }

        impl Code {
            /// In the order in which documents list them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name: `not_found`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// A short sentence that is the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// A head that contradicts itself: two Authorization headers, an unreadable Idempotency-Key.
    MalformedRequest = BAD_REQUEST, "malformed_request", "The request cannot be read";
    InvalidJson = BAD_REQUEST, "invalid_json", "The body is not JSON";
    InvalidQuery = BAD_REQUEST, "invalid_query", "The query has a parameter that cannot be used";
    InvalidCursor = BAD_REQUEST, "invalid_cursor", "The cursor does not belong to this list";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "A valid credential is needed";
    /// At the front door. What was expected is told to the tenant, not to the sender.
    SignatureRefused = UNAUTHORIZED, "signature_refused", "The request is not signed as it must be";
    /// The key has an address list, and the caller is not on it.
    AddressNotAllowed = FORBIDDEN, "address_not_allowed", "The caller's address is not allowed";
    /// Of a page: it did not come from a page of ours, or that page is of another session.
    FormRefused = FORBIDDEN, "form_refused", "The form was not sent from this site";
    PermissionMissing = FORBIDDEN, "permission_missing", "The credential does not permit this";
    /// Of a member, given or taken.
    RoleAboveOwn = FORBIDDEN, "role_above_own", "The role is above that of the caller";
    NotFound = NOT_FOUND, "not_found", "There is no such thing";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed here";
    RequestTimeout = REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time";
    AlreadyExists = CONFLICT, "already_exists", "It exists already";
    /// A cancel of what is delivered, a retry of what is under way.
    WrongState = CONFLICT, "wrong_state", "Its state does not permit this";
    /// Of a receipt: its lease has ended, so it ends nothing any more.
    LeaseLost = CONFLICT, "lease_lost", "The lease has ended";
    QueuePaused = CONFLICT, "queue_paused", "The queue is paused";
    LastOwner = CONFLICT, "last_owner", "A tenant always has an owner";
    IdempotencyMismatch = CONFLICT, "idempotency_mismatch", "The Idempotency-Key was used for another request";
    /// Of an event that is still here; its bytes are not.
    PayloadExpired = GONE, "payload_expired", "The payload is past its retention";
    /// Of a call that is still here; what came back is not.
    ResultExpired = GONE, "result_expired", "The time of the result is over";
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body has a type that is not accepted";
    InvalidFields = UNPROCESSABLE_ENTITY, "invalid_fields", "Some fields cannot be accepted";
    LimitReached = UNPROCESSABLE_ENTITY, "limit_reached", "There cannot be more of these";
    /// As many deliveries are leased as may be.
    QueueFull = TOO_MANY_REQUESTS, "queue_full", "Too many deliveries are leased";
    /// Of a call that ended without an answer.
    NoResult = FAILED_DEPENDENCY, "no_result", "There was no answer";
    RateLimited = TOO_MANY_REQUESTS, "rate_limited", "Too many requests";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong here";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_snake_case() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(texts.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        assert!(Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error()));
    }
}
