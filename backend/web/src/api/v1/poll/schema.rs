//! The settings of a poll, for the OpenAPI document: `polling` itself knows nothing of it. What they must be is said by
//! `PollSettings::parse`, and its errors name the field.
#![expect(dead_code, reason = "described, never made")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// What a source asks an API, when, and what it makes of the answers. Unknown fields are refused. Values that may be
/// secret are shown as `***`; one that is sent back as `***` stays as it is.
#[derive(ToSchema)]
pub(crate) struct PollSettings {
    request: PollRequest,
    schedule: PollSchedule,
    /// `json`, or `feed` for RSS, Atom and JSON Feed.
    #[schema(default = "json")]
    format: Option<String>,
    /// A JSONPath (RFC 9535) to the list in the answer, or to the items themselves: `$.data[*]`. Each item becomes an
    /// event, byte for byte as it stood in the answer. A path that leads nowhere is an error, an empty list is none.
    #[schema(max_length = 300)]
    items: Option<String>,
    /// What names an item, looked up in the item: `$.id`. A list of paths: the first that finds something counts.
    #[schema(value_type = String, max_length = 300)]
    id: String,
    /// What changes when the item does; otherwise its whole content.
    #[schema(value_type = Option<String>, max_length = 300)]
    version: Option<String>,
    /// The type of the events: a word for all of them, or a path in the item when it begins with `$`.
    r#type: Option<String>,
    /// `new`; `new_and_updated`: each change too; `all_changes`: and what is gone.
    #[schema(default = "new")]
    emit: Option<String>,
    /// Of what is there already: `skip_existing` remembers it, `backfill` makes events of all of it, `{"last_n": 10}`
    /// (at most 50) of the last, `{"since": "2026-11-22T12:00:00Z"}` of what came since.
    #[schema(value_type = Option<Object>)]
    first_run: Option<String>,
    cursor: Option<PollCursorSettings>,
    paginate: Option<PollPaginate>,
    limits: Option<PollLimits>,
    /// The interval follows what is found, between these.
    adaptive: Option<PollAdaptive>,
    /// Sources of the tenant with the same word share the provider's limit; otherwise by host and credential.
    budget_key: Option<String>,
    /// So many runs must find a change unaltered before it becomes an event.
    #[schema(default = 0, maximum = 2)]
    stable_polls: Option<u8>,
    /// Paths in the item that do not count as a change, where there is no version.
    hash_exclude: Option<Vec<String>>,
    reconcile: Option<PollReconcile>,
    /// How late an event of this source may be. Changes nothing but the advice.
    #[schema(minimum = 1, maximum = 604_800)]
    freshness_s: Option<u32>,
}

#[derive(ToSchema)]
pub(crate) struct PollRequest {
    /// `GET` or `POST`.
    #[schema(default = "GET")]
    method: Option<String>,
    /// With places for what the run knows, as its query, headers and body may have too: `{{cursor}}`, `{{run.id}}`,
    /// `{{run.now}}`.
    #[schema(max_length = 2048)]
    url: String,
    #[schema(value_type = Option<Object>)]
    headers: Option<BTreeMap<String, String>>,
    #[schema(value_type = Option<Object>)]
    query: Option<BTreeMap<String, String>>,
    /// JSON, or text.
    #[schema(value_type = Option<Object>)]
    body: Option<String>,
    #[schema(value_type = Option<Object>)]
    auth: Option<PollAuth>,
    /// Whether the API is asked to answer 304 to an unchanged list (ETag, Last-Modified).
    #[schema(default = true)]
    conditional: Option<bool>,
}

/// `none`; `bearer` (token); `basic` (username, password); `api_key` (in: header, query or path, name, value;
/// in the path, name is the word of the URL that the value takes the place of);
/// `oauth2_client_credentials` (token_url, client_id, client_secret, scopes, audience, style); `oauth2_refresh`
/// (token_url, client_id, client_secret, refresh_token, style).
#[derive(ToSchema)]
pub(crate) struct PollAuth {
    kind: String,
}

/// Either `interval_s` or `cron`.
#[derive(ToSchema)]
pub(crate) struct PollSchedule {
    /// Not below the operator's floor, POSTERN_MIN_POLL_INTERVAL_S.
    #[schema(minimum = 5, maximum = 2_678_400)]
    interval_s: Option<u32>,
    /// Minute, hour, day, month, weekday. A time that does not exist on a day is taken at the next one that does; one that
    /// comes twice is taken once.
    cron: Option<String>,
    /// An IANA name, for `cron`.
    #[schema(default = "UTC")]
    timezone: Option<String>,
    /// Of an interval: each run is late by chance by up to this share of it.
    #[schema(default = 10, maximum = 50)]
    jitter_pct: Option<u8>,
    /// Whether `Cache-Control: max-age` of the answer holds the next run back.
    #[schema(default = false)]
    respect_max_age: Option<bool>,
}

#[derive(ToSchema)]
pub(crate) struct PollCursorSettings {
    /// `none`, `timestamp`, `integer` or `token`.
    #[schema(default = "none")]
    mode: Option<String>,
    /// Looked up in the item; of a token in the page.
    value: Option<String>,
    /// `asc`, `desc` or `unknown`.
    #[schema(default = "unknown")]
    order: Option<String>,
    /// So far before the cursor a run begins, for records that come late.
    #[schema(maximum = 2_592_000)]
    lookback_s: Option<u32>,
    /// So far behind the provider's clock the cursor stays.
    settle_s: Option<u32>,
    /// How long the provider keeps its records.
    retention_s: Option<u32>,
    /// Of `timestamp` and `integer`: the API gives no more records than these for one request, however many there are. Its
    /// halves are asked for then, so the request must name both ends: `{{cursor}}` and `{{run.until}}`.
    #[schema(minimum = 10, maximum = 1_000_000)]
    result_cap: Option<u32>,
}

#[derive(ToSchema)]
pub(crate) struct PollPaginate {
    /// `none`; `link`: the Link header; `body_link`: a URL in the page; `cursor`: a value in the page becomes a parameter;
    /// `offset`: the number of items read; `page`: page numbers up to an empty page; `header`: the value of a header
    /// becomes a parameter. Links are followed within the same scheme, host and port only.
    #[schema(default = "none")]
    kind: Option<String>,
    param: Option<String>,
    start: Option<u64>,
    /// Of `body_link` and `cursor` where it stands in the page, a JSONPath; of `header` the header's name.
    path: Option<String>,
    size_param: Option<String>,
    size: Option<u32>,
    /// Of one run; the next goes on from there.
    #[schema(default = 100)]
    max_pages: Option<u32>,
}

#[derive(ToSchema)]
pub(crate) struct PollLimits {
    #[schema(default = 30)]
    request_timeout_s: Option<u32>,
    #[schema(default = 300)]
    run_timeout_s: Option<u32>,
    /// Of one page.
    #[schema(default = 10_485_760, maximum = 10_485_760)]
    max_bytes: Option<u32>,
    /// A run with more new events than these is held until somebody releases or discards them.
    #[schema(default = 1_000)]
    flood_hold: Option<u32>,
    budget: Option<PollBudget>,
    /// A record that no run has listed for so many days is forgotten: should it be listed again, it is news.
    #[schema(default = 400, minimum = 7, maximum = 3_650)]
    remember_days: Option<u32>,
}

/// What the provider takes of all sources that share the budget. No request that would exceed it is sent, by no replica;
/// where several sources declare one, the lowest rate counts.
#[derive(ToSchema)]
pub(crate) struct PollBudget {
    #[schema(minimum = 1, maximum = 1_000_000)]
    requests: u32,
    /// In any so many seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    per_s: u32,
}

#[derive(ToSchema)]
pub(crate) struct PollAdaptive {
    min_s: u32,
    max_s: u32,
}

/// Of a poll beside a webhook.
#[derive(ToSchema)]
pub(crate) struct PollReconcile {
    /// A record younger than this may still come by webhook, and is not yet missed.
    #[schema(default = 120)]
    grace_s: Option<u32>,
}

/// `throttled`: the provider asked to wait. `backoff`: the last runs failed. `auth_required`: the credentials are refused,
/// and nothing runs until they change or a run is asked for. `schema_drift`: the answers are not of the form that the
/// settings expect. `held`: events wait for a release. `stalled`: no run has gone through for long. `resync`: the cursor
/// was refused, so the list is read again.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum PollHealth {
    Priming,
    Ok,
    Throttled,
    Backoff,
    AuthRequired,
    SchemaDrift,
    Held,
    Stalled,
    Resync,
}

/// `quiet`: several runs one after the other that found nothing, in one row. `partial`: the next run goes on.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RunOutcome {
    Queued,
    Running,
    Succeeded,
    NotModified,
    Quiet,
    Partial,
    Throttled,
    Failed,
    TimedOut,
    LostLease,
    Cancelled,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RunTrigger {
    Schedule,
    Manual,
    Rewind,
}

/// What is known before there is a source. What is not known is left out.
#[derive(ToSchema)]
pub(crate) struct PollQuestions {
    offers_webhooks: Option<WebhooksOffered>,
    /// How late an event may be.
    freshness_s: Option<u32>,
    /// How many objects there are.
    objects: Option<u64>,
    /// Requests that the provider permits.
    limit_per_hour: Option<u64>,
    /// The API cannot be asked for what has changed: each run reads the whole list.
    #[schema(default = false)]
    lists_all_only: Option<bool>,
    /// How many objects one page holds.
    #[schema(default = 100)]
    page_size: Option<u32>,
}

/// `plan_locked`: only in a plan that the customer does not have.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum WebhooksOffered {
    Yes,
    No,
    PlanLocked,
    Unknown,
}

/// A recommendation, and what it rests on.
#[derive(ToSchema)]
pub(crate) struct PollAdvice {
    recommendation: PollRecommendation,
    enough_data: bool,
    /// The weightiest first; each names the number it rests on.
    reasons: Vec<String>,
    /// What was measured, or answered; what is not known is null. `late`: webhooks that came after the poll had made the
    /// event. `unmatched`: changes that no webhook can be matched to. `limit_from`: `declared` by the settings, or said by
    /// the provider's `headers`.
    #[schema(value_type = Object)]
    inputs: BTreeMap<String, String>,
    sample: AdviceSample,
    /// The share of events that webhooks did not bring in time, where a poll beside them compared.
    loss: Option<AdviceLoss>,
    lag: AdviceLags,
    alternatives: Vec<AdviceAlternative>,
    /// The one that stands.
    alarm: Option<AlarmKind>,
}

/// `loss`: the webhook loses more than one event in a hundred. `silent`: it has stopped while there are changes.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AlarmKind {
    Loss,
    Silent,
}

/// `infeasible`: no interval within the limits meets what is asked for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum PollRecommendation {
    NotEnoughData,
    Poll,
    Webhook,
    WebhookAndPoll,
    Infeasible,
}

#[derive(ToSchema)]
pub(crate) struct AdviceSample {
    days: u32,
    events: u64,
    runs: u64,
}

/// With its 95 % interval (Wilson).
#[derive(ToSchema)]
pub(crate) struct AdviceLoss {
    rate: f64,
    low: f64,
    high: f64,
    /// Events that were compared.
    n: u64,
    /// Of those that were not brought in time, how many came by webhook after all.
    late: u64,
    /// The share that never came.
    rate_without_late: f64,
}

/// From the provider's own time of a record to ours.
#[derive(ToSchema)]
pub(crate) struct AdviceLags {
    webhook: Option<AdviceLag>,
    poll: Option<AdviceLag>,
}

#[derive(ToSchema)]
pub(crate) struct AdviceLag {
    p50_ms: u64,
    p95_ms: u64,
    n: u64,
}

#[derive(ToSchema)]
pub(crate) struct AdviceAlternative {
    /// `poll`, `webhook` or `webhook_and_poll`.
    method: String,
    /// To the provider for polls, from it for webhooks.
    requests_per_day: u64,
    lag_ms: Option<u64>,
    gives: String,
}
