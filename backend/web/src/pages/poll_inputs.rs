//! What the form of a poll asks, field by field. Names are the API's; what stands in them comes from
//! [`poll_fields`](super::poll_fields).

use postern_frontend::{
    form::{Choice, Field},
    pages::source_form::{
        Input, InputGroup,
        InputKind::{self, Lines, Number, Select, Text},
    },
};

/// Selects of the form alone: the API tells by which field is there.
pub(super) const SCHEDULE_AS: &str = "schedule_as";
pub(super) const FIRST_RUN_AS: &str = "first_run_as";
/// Not a field of the API: a pace of its own is there or not.
pub(super) const ADAPTIVE_AS: &str = "adaptive_as";
/// What a feed's form does not have to ask.
const OF_JSON: &str = "json";
const FORMAT: &str = "poll.format";
const AUTH: &str = "poll.request.auth.kind";
const MODE: &str = "poll.cursor.mode";
const PAGES: &str = "poll.paginate.kind";

/// What everybody has to think about.
pub(super) fn asked() -> Vec<InputGroup> {
    vec![request(), auth(), schedule(), items(), cursor(), pages()]
}

/// What usually stays as it is.
pub(super) fn seldom(is_channel: bool) -> Vec<InputGroup> {
    let mut groups = vec![changes(), late(), limits(), pace()];
    if is_channel {
        groups.insert(0, beside());
    }
    groups
}

fn input(kind: InputKind, name: &'static str, label: &str, hint: &str) -> Input {
    Input::new(kind, Field::new(name, "").labelled(label), hint)
}

/// The first is the default.
fn chosen(name: &'static str, label: &str, values: &[(&str, &str)], hint: &str) -> Input {
    let options = values.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    let usual = values.first().map(|(value, _)| *value).unwrap_or_default();
    Input::new(Select, Field::select(name, usual, options).labelled(label), hint)
}

fn request() -> InputGroup {
    InputGroup::new(
        "The request",
        vec![
            input(
                Text,
                "poll.request.url",
                "URL",
                "Of the list. {{cursor}} stands for how far was read, here and in the query, the headers and the body.",
            ),
            chosen("poll.request.method", "Method", &[("GET", "GET"), ("POST", "POST")], ""),
            input(Lines, "poll.request.query", "Query", "name=value, one a line: updated_since={{cursor}}."),
            input(
                Lines,
                "poll.request.headers",
                "Headers",
                "Name: value, one a line. Values that may be secret are shown as ***; leave them so to keep them.",
            ),
            input(Lines, "poll.request.body", "Body", "JSON, or any other text.").only("poll.request.method", "POST"),
        ],
    )
}

fn auth() -> InputGroup {
    let kinds = [
        ("none", "nothing"),
        ("bearer", "a bearer token"),
        ("basic", "user and password"),
        ("api_key", "a key in a header or the query"),
        ("oauth2_client_credentials", "OAuth2, client credentials"),
        ("oauth2_refresh", "OAuth2, refresh token"),
    ];
    let oauth = "oauth2_client_credentials oauth2_refresh";
    InputGroup::new(
        "Authentication",
        vec![
            chosen(
                AUTH,
                "By",
                &kinds,
                "Secrets are kept sealed, and shown as *** from then on. Leave *** to keep one.",
            ),
            input(Text, "poll.request.auth.token", "Token", "Without the word Bearer.").only(AUTH, "bearer"),
            input(Text, "poll.request.auth.username", "User", "").only(AUTH, "basic"),
            input(Text, "poll.request.auth.password", "Password", "").only(AUTH, "basic"),
            chosen(
                "poll.request.auth.in",
                "The key stands in",
                &[("header", "a header"), ("query", "the query"), ("path", "the path")],
                "",
            )
            .only(AUTH, "api_key"),
            input(
                Text,
                "poll.request.auth.name",
                "Name of the header or parameter",
                "Such as x-api-key. In the path: the word of the URL that the key stands for, such as TOKEN.",
            )
            .only(AUTH, "api_key"),
            input(Text, "poll.request.auth.value", "Key", "").only(AUTH, "api_key"),
            input(Text, "poll.request.auth.token_url", "Token URL", "Where tokens are given out.").only(AUTH, oauth),
            input(Text, "poll.request.auth.client_id", "Client id", "").only(AUTH, oauth),
            input(Text, "poll.request.auth.client_secret", "Client secret", "").only(AUTH, oauth),
            input(
                Text,
                "poll.request.auth.refresh_token",
                "Refresh token",
                "The one that replaces it is kept by itself.",
            )
            .only(AUTH, "oauth2_refresh"),
            input(Lines, "poll.request.auth.scopes", "Scopes", "One a line. May be left empty.")
                .only(AUTH, "oauth2_client_credentials"),
            input(Text, "poll.request.auth.audience", "Audience", "May be left empty.")
                .only(AUTH, "oauth2_client_credentials"),
            chosen(
                "poll.request.auth.style",
                "The client shows its secret",
                &[("basic", "as user and password"), ("body", "in the body")],
                "",
            )
            .only(AUTH, oauth),
        ],
    )
}

fn schedule() -> InputGroup {
    let ways = [("interval", "at an interval"), ("cron", "at times of the clock (cron)")];
    InputGroup::new(
        "When",
        vec![
            chosen(SCHEDULE_AS, "It runs", &ways, ""),
            input(Number, "poll.schedule.interval_s", "Every so many seconds", "300 are five minutes.")
                .only(SCHEDULE_AS, "interval"),
            input(
                Text,
                "poll.schedule.cron",
                "Cron expression",
                "Minute, hour, day, month, weekday: */5 8-18 * * 1-5 is every five minutes of an office day.",
            )
            .only(SCHEDULE_AS, "cron"),
            input(Text, "poll.schedule.timezone", "Time zone", "Such as Europe/Vienna. Empty: UTC.")
                .only(SCHEDULE_AS, "cron"),
        ],
    )
}

fn items() -> InputGroup {
    let formats = [(OF_JSON, "JSON"), ("feed", "a feed: RSS, Atom or JSON Feed")];
    let emits = [
        ("new", "a record that was not seen before"),
        ("new_and_updated", "a new record, and each change of one"),
        ("all_changes", "a new record, each change, and when it is gone"),
    ];
    let firsts = [
        ("skip_existing", "remembers them, and makes no events"),
        ("last_n", "makes events of the last ones"),
        ("since", "makes events of those since a moment"),
        ("backfill", "makes events of all of them"),
    ];
    InputGroup::new(
        "Items",
        vec![
            chosen(FORMAT, "The answer is", &formats, ""),
            input(Text, "poll.items", "Items", "A JSONPath to the list, or to the items: $.data[*]. Of a feed: empty.")
                .only(FORMAT, OF_JSON),
            input(
                Text,
                "poll.id",
                "Identity",
                "What names an item, looked up in the item: $.id. Of a feed it may stay empty.",
            ),
            input(Text, "poll.version", "Version", "What changes with it: $.updated_at. Empty: its whole content."),
            input(Text, "poll.type", "Event type", "A word for all, such as order.changed, or a path: $.type."),
            chosen("poll.emit", "An event is made of", &emits, ""),
            chosen(FIRST_RUN_AS, "Of what is there already, the first run", &firsts, ""),
            input(Number, "poll.first_run.last_n", "How many of the last", "At most 50.").only(FIRST_RUN_AS, "last_n"),
            input(Text, "poll.first_run.since", "Since", "In UTC: 2026-11-22T12:00:00Z.").only(FIRST_RUN_AS, "since"),
        ],
    )
}

fn cursor() -> InputGroup {
    let modes = [
        ("none", "nothing: each run reads the whole list"),
        ("timestamp", "a date"),
        ("integer", "a number"),
        ("token", "a text of the provider's own"),
    ];
    let orders = [("unknown", "in no order that is known"), ("asc", "from old to new"), ("desc", "from new to old")];
    InputGroup::new(
        "Cursor: how far was read",
        vec![
            chosen(MODE, "It is", &modes, ""),
            input(
                Text,
                "poll.cursor.value",
                "Where it stands",
                "Looked up in the item: $.updated_at. A text of the provider's own is looked up in the page.",
            )
            .only(MODE, "timestamp integer token"),
            chosen("poll.cursor.order", "Items come", &orders, "").only(MODE, "timestamp integer"),
        ],
    )
}

fn pages() -> InputGroup {
    let kinds = [
        ("none", "not at all: one page is all"),
        ("link", "by the Link header"),
        ("body_link", "by a URL in the page"),
        ("cursor", "by a value in the page"),
        ("offset", "by the number of items read"),
        ("page", "by page numbers"),
        ("header", "by a header"),
    ];
    InputGroup::new(
        "Pages",
        vec![
            chosen(
                PAGES,
                "The next page is found",
                &kinds,
                "Links are followed within the same scheme, host and port only.",
            ),
            input(
                Text,
                "poll.paginate.path",
                "Where it is named",
                "In the page by a JSONPath, such as $.next; of a header its name, such as x-next.",
            )
            .only(PAGES, "body_link cursor header"),
            input(
                Text,
                "poll.paginate.param",
                "Parameter",
                "Which one of the query takes it: page, offset, after; /page in a body.",
            )
            .only(PAGES, "cursor offset page header"),
            input(Number, "poll.paginate.start", "Of the first page", "Empty: 0 for items, 1 for pages.")
                .only(PAGES, "offset page"),
            input(Text, "poll.paginate.size_param", "Parameter for the size", "Such as limit. May be left empty."),
            input(Number, "poll.paginate.size", "Items on a page", "Beside a parameter for the size."),
            input(
                Number,
                "poll.paginate.max_pages",
                "Pages of one run at most",
                "The next run goes on from there. Empty: 100.",
            )
            .only(PAGES, "link body_link cursor offset page header"),
        ],
    )
}

fn changes() -> InputGroup {
    InputGroup::new(
        "What counts as a change",
        vec![
            input(
                Lines,
                "poll.hash_exclude",
                "What does not",
                "Without a version: paths in the item, one a line, such as $.views.",
            ),
            input(
                Number,
                "poll.stable_polls",
                "Runs that must find it unaltered",
                "0, 1 or 2: for records that are still being written when they first show.",
            ),
        ],
    )
}

fn late() -> InputGroup {
    InputGroup::new(
        "Records that come late, where the cursor is a date",
        vec![
            input(
                Number,
                "poll.cursor.lookback_s",
                "Read again, in seconds",
                "So far before the cursor a run begins. What was seen does not come twice. Empty: 300.",
            )
            .only(MODE, "timestamp"),
            input(
                Number,
                "poll.cursor.settle_s",
                "Stay behind, in seconds",
                "So far behind the provider's clock the cursor stays. Empty: 30.",
            )
            .only(MODE, "timestamp"),
            input(
                Number,
                "poll.cursor.retention_s",
                "The provider keeps them, in seconds",
                "A cursor that is older begins again, and says so. Empty: not known.",
            )
            .only(MODE, "timestamp"),
            input(
                Number,
                "poll.cursor.result_cap",
                "Records the API gives at most",
                "For one request, however many there are: then its halves are asked for. Empty: all.",
            )
            .only(MODE, "timestamp integer"),
        ],
    )
}

fn limits() -> InputGroup {
    InputGroup::new(
        "Limits of a run",
        vec![
            input(Number, "poll.limits.request_timeout_s", "Seconds for one request", "Empty: 30."),
            input(Number, "poll.limits.run_timeout_s", "Seconds for all of it", "Empty: 300."),
            input(Number, "poll.limits.max_bytes", "Bytes of one page", "Empty: 10485760, which are 10 MiB."),
            input(
                Number,
                "poll.limits.flood_hold",
                "New events before it is held",
                "A run with more waits for your word, so that a mistake at the other side does not flood yours. Empty: 1000.",
            ),
            input(
                Number,
                "poll.limits.budget.requests",
                "Requests the provider takes",
                "Of all sources that share the budget; no more are sent. Empty: as its answers say.",
            ),
            input(Number, "poll.limits.budget.per_s", "In so many seconds", "Needed beside the number of requests."),
            input(
                Number,
                "poll.limits.remember_days",
                "Days to remember a record",
                "One that no run has listed for so long is forgotten, and is news should it come back. Empty: 400.",
            ),
        ],
    )
}

fn pace() -> InputGroup {
    let ways = [("off", "does not change"), ("on", "follows what is found")];
    let waits = [("false", "is not looked at"), ("true", "holds the next run back")];
    let answers = [("true", "may be short: 304"), ("false", "is always whole")];
    InputGroup::new(
        "Pace",
        vec![
            chosen(
                "poll.request.conditional",
                "The answer to an unchanged list",
                &answers,
                "By ETag or Last-Modified, where the API gives one.",
            )
            .only("poll.request.method", "GET"),
            chosen("poll.schedule.respect_max_age", "Cache-Control: max-age", &waits, "Of the answer."),
            input(
                Number,
                "poll.schedule.jitter_pct",
                "Spread, in percent of the interval",
                "Each run is late by chance by up to so much, so that not all sources ask at once. Empty: 10.",
            )
            .only(SCHEDULE_AS, "interval"),
            chosen(ADAPTIVE_AS, "The interval", &ways, "").only(SCHEDULE_AS, "interval"),
            input(Number, "poll.adaptive.min_s", "At least, in seconds", "").only(ADAPTIVE_AS, "on"),
            input(Number, "poll.adaptive.max_s", "At most, in seconds", "").only(ADAPTIVE_AS, "on"),
            input(
                Text,
                "poll.budget_key",
                "Shared budget",
                "Sources with the same word share the provider's limit. Empty: by host and credential.",
            ),
            input(
                Number,
                "poll.freshness_s",
                "An event may be late by, in seconds",
                "For the advice on polling or webhooks; nothing else goes by it. Empty: not said.",
            ),
        ],
    )
}

fn beside() -> InputGroup {
    InputGroup::new(
        "Beside the webhook",
        vec![input(
            Number,
            "poll.reconcile.grace_s",
            "Wait for the webhook, in seconds",
            "A record younger than this may still come by webhook, and is not yet missed. Empty: 120.",
        )],
    )
}
