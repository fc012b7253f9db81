//! The shapes of domain values, for the OpenAPI document: `domain` itself knows nothing of it. The conformance test of
//! the document compares them with what the domain reads and writes.
#![expect(dead_code, reason = "described, never made")]

use utoipa::ToSchema;

/// `webhook` takes what is posted to its URL; `publish` what is sent to `POST /events`; `poll` asks an API; `schedule`
/// makes events at given times.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SourceKind {
    Webhook,
    Publish,
    Poll,
    Schedule,
}

/// `http` delivers to a URL; `bin` keeps what it receives, to be looked at; from a `queue` programs lease what waits.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DestinationKind {
    Http,
    Bin,
    Queue,
}

/// `raw`: the body as it came. `envelope`: the common envelope of the event catalogue. `cloudevents`: a CloudEvent 1.0 in
/// structured mode.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum PayloadFormat {
    Raw,
    Envelope,
    CloudEvents,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RunState {
    Active,
    Paused,
}

/// `held`: it answered 410, so nothing is sent until it is resumed.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DestinationState {
    Active,
    Paused,
    Held,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Health {
    Healthy,
    Failing,
    Held,
    Paused,
}

/// `csv` with a line of names before the rows; `jsonl` with an object on each line.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ExportFormat {
    Csv,
    Jsonl,
}

/// Each may do what those before it may, and more.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Role {
    Viewer,
    Editor,
    Admin,
    Owner,
}

/// How far what comes can be trusted, from `A`, where body, time and id are signed, to `E`, where nothing shows who
/// sends.
#[derive(ToSchema)]
pub(crate) enum TrustLevel {
    A,
    B,
    C,
    D,
    E,
}

/// `learned`: the provider hands it over in its first request, or it is entered.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SecretNeed {
    Required,
    Optional,
    Learned,
    None,
}

/// By what two requests are the same event, and for how long.
#[derive(ToSchema)]
pub(crate) struct Dedup {
    /// `provider` (default), `header:NAME`, `json:$.path`, `body` or `none`.
    #[schema(default = "provider")]
    key: Option<String>,
    #[schema(default = 604_800, minimum = 1, maximum = 7_776_000)]
    window_s: Option<u32>,
}

/// What a sender is answered when its event was taken in.
#[derive(ToSchema)]
pub(crate) struct Answer {
    /// 200 to 299, or 400 to 499.
    #[schema(default = 200)]
    status: Option<u16>,
    /// `application/json`, `text/plain` or `text/xml`.
    #[schema(default = "application/json")]
    content_type: Option<String>,
    #[schema(default = "", max_length = 4096)]
    body: Option<String>,
}

/// At most `per_s` a second over time, and `burst` (as many, unless given) at one moment.
#[derive(ToSchema)]
pub(crate) struct RateLimit {
    #[schema(minimum = 1, maximum = 100_000)]
    per_s: u32,
    #[schema(minimum = 1, maximum = 100_000)]
    burst: Option<u32>,
}

/// The waits between tries; `n` entries make `n + 1` tries.
#[derive(ToSchema)]
pub(crate) struct Retry {
    #[schema(max_items = 50)]
    schedule_s: Vec<u32>,
    /// Each wait is stretched or shortened at random by up to so much.
    #[schema(default = 10, maximum = 50)]
    jitter_pct: Option<u8>,
}

/// `held`: its connection or its destination is paused, held or deleted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    Pending,
    Leased,
    Held,
    Delivered,
    Dead,
    Cancelled,
}

/// What became of an event, from the states of its deliveries.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum EventOutcome {
    Queued,
    Delivered,
    Partly,
    Retrying,
    Held,
    Dead,
    Cancelled,
    Filtered,
    Unrouted,
}

/// `flag`: taken in and put on record, `refuse`: answered 409, `allow`: nothing, for senders that repeat themselves.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Replay {
    Flag,
    Refuse,
    Allow,
}

/// `flagged`: it became an event, and is worth a look.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RequestOutcome {
    Refused,
    Duplicate,
    Flagged,
}

/// How a try ended. `interrupted`: the process ended meanwhile, so it may have left. `superseded`: its lease had been
/// given to another, so what it found decided nothing. Of a queue: `acknowledged`, `rejected`, or `lease_expired`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ResultKind {
    Answered,
    Timeout,
    Dns,
    Connect,
    Tls,
    Blocked,
    TooLarge,
    Interrupted,
    Superseded,
    Internal,
    Acknowledged,
    Rejected,
    LeaseExpired,
}

/// How a queue is leased from. What is left out has its default.
#[derive(ToSchema)]
#[schema(as = QueueSettings)]
pub(crate) struct Queue {
    /// How long a lease lasts unless the call says otherwise.
    #[schema(default = 30, minimum = 0, maximum = 43_200)]
    visibility_s: Option<u32>,
    /// A delivery that was received so often and never acknowledged is dead.
    #[schema(default = 5, minimum = 1, maximum = 100)]
    max_receives: Option<u32>,
    /// So many deliveries may be leased at one moment.
    #[schema(default = 1_000, minimum = 1, maximum = 10_000)]
    max_in_flight: Option<u32>,
    /// How long a delivery that was given back waits unless the call says otherwise.
    #[schema(default = 0, minimum = 0, maximum = 43_200)]
    retry_delay_s: Option<u32>,
}

/// From the start of the try, in microseconds; missing where a step was not reached or not needed.
#[derive(ToSchema)]
pub(crate) struct Timings {
    dns_us: Option<u32>,
    connect_us: Option<u32>,
    first_byte_us: Option<u32>,
    total_us: u32,
}
