//! What of a source usually stays as it is: duplicates, who and what is let in, the answer. Folded in its form.

use postern_domain::{dedup::DedupSpec, source::DEFAULT_MAX_BODY_BYTES};
use postern_frontend::{
    form::{Choice, Field},
    pages::source_form::{
        Input, InputGroup,
        InputKind::{Lines, Number, Select, Text},
    },
};

/// Of a source without a front door.
pub(super) fn of_publish() -> Vec<InputGroup> {
    vec![duplicates(Vec::new())]
}

/// `ranges` are published by the sender.
pub(super) fn of_front_door(sender: &str, ranges: &[String]) -> Vec<InputGroup> {
    vec![duplicates(vec![replay()]), let_in(sender, ranges), answered()]
}

fn duplicates(more: Vec<Input>) -> InputGroup {
    let usual = DedupSpec::default();
    let window = Field::new("dedup.window_s", usual.window_s.to_string());
    let mut inputs = vec![
        Input::new(
            Text,
            Field::new("dedup.key", usual.key),
            "provider (as the sender names it), header:NAME, json:$.path, body, or none.",
        ),
        Input::new(
            Number,
            window,
            "For how long a second event with the same key is a duplicate. 604800 are seven days.",
        ),
    ];
    inputs.extend(more);
    InputGroup::new("Duplicates and replays", inputs)
}

fn replay() -> Input {
    let options = vec![
        Choice::new("flag", "take it in, and put it on record"),
        Choice::new("refuse", "refuse it"),
        Choice::new("allow", "take it in: this sender repeats itself"),
    ];
    let hint = "Of senders whose signature leaves the id out: whoever has seen a request could send it again as something \
                new.";
    Input::new(Select, Field::select("replay", "flag", options), hint)
}

fn let_in(sender: &str, ranges: &[String]) -> InputGroup {
    let addresses = "Addresses and blocks such as 192.0.2.0/24, one a line. Empty: everybody may try.";
    let addresses = match ranges {
        [] => addresses.to_owned(),
        some => format!("{addresses} The word provider stands for those that {sender} publishes: {}.", some.join(", ")),
    };
    InputGroup::new(
        "Who and what is let in",
        vec![
            Input::new(Lines, Field::new("allowed_ips", ""), addresses),
            Input::new(
                Text,
                Field::new("header_token.name", ""),
                "A header that every request must carry besides, where the sender can add one. Empty: none.",
            ),
            Input::new(
                Text,
                Field::new("header_token.value", ""),
                "At least 16 characters. It is not shown again; leave it empty to keep the one there is.",
            ),
            Input::new(
                Text,
                Field::new("allowed_methods", ""),
                "Empty: POST, PUT and PATCH. GET only for a sender that brings events in its query.",
            ),
            Input::new(Lines, Field::new("content_types", ""), "Such as application/json, one a line. Empty: any."),
            Input::new(
                Number,
                Field::new("max_body_bytes", DEFAULT_MAX_BODY_BYTES.to_string()),
                "At most 10485760, which are 10 MiB.",
            ),
        ],
    )
}

fn answered() -> InputGroup {
    let types = ["application/json", "text/plain", "text/xml"].map(|known| Choice::new(known, known));
    let types = std::iter::once(Choice::new("", "as usual")).chain(types).collect();
    InputGroup::new(
        "The answer",
        vec![
            Input::new(
                Number,
                Field::new("response.status", ""),
                "When an event was taken in. All three empty: what the sender expects, or 200 with the event's id.",
            ),
            Input::new(Select, Field::select("response.content_type", "", types), ""),
            Input::new(Lines, Field::new("response.body", ""), ""),
        ],
    )
}
