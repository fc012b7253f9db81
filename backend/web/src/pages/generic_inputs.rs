//! What the form of a sender asks that is on no list: everything its scheme can be told.

use postern_frontend::{
    form::{Choice, Field},
    pages::source_form::{
        Input, InputGroup,
        InputKind::{self, Lines, Number, Select, Text},
    },
};

use super::{
    generic::{PUBLISH, SCHEDULE},
    source_schedule,
};

/// `config.…` of a scheme.
pub(super) fn of(scheme: &str) -> Vec<InputGroup> {
    match scheme {
        "hmac" => vec![signature(), signed(&hmac_keys(), "{body}"), time(), naming()],
        "hash" => {
            vec![signature(), signed(&[algorithm()], "{secret}{body}, say; it must contain {secret}"), time(), naming()]
        }
        "ed25519" => vec![signature(), signed(&[], "{body}"), time(), naming()],
        "token" => vec![token(), naming()],
        SCHEDULE => source_schedule::inputs(),
        PUBLISH => Vec::new(),
        _ => vec![naming()],
    }
}

/// What few senders need: folded.
pub(super) fn seldom(scheme: &str) -> Vec<InputGroup> {
    match scheme {
        "hmac" | "hash" | "ed25519" => vec![several(), greetings()],
        PUBLISH => Vec::new(),
        _ => vec![greetings()],
    }
}

fn several() -> InputGroup {
    let ages = [("checked", "is refused"), ("free", "is taken in")];
    InputGroup::new(
        "Several signatures, pairs, a time in the body",
        vec![
            input(
                Text,
                "config.signature_keys",
                "Where the header holds pairs, as in t=1,v1=a,v1=b: under which names signatures stand, such as v1.",
            ),
            input(Text, "config.timestamp_key", "Among the pairs: the name of the timestamp, such as t."),
            input(Text, "config.separator", "What stands between several signatures, or between pairs."),
            input(Text, "config.group_separator", "What stands between groups of pairs, each with a time of its own."),
            input(Text, "config.signature_query", "The parameter of the URL that counts when no header is there."),
            chosen("config.header_repeated", &NO_OR_YES, ""),
            chosen("config.prefix_optional", &NO_OR_YES, ""),
            input(Text, "config.timestamp_path", "The timestamp in the body: a JSON Pointer, such as /sent_at."),
            chosen("config.timestamp_age", &ages, ""),
        ],
    )
}

fn greetings() -> InputGroup {
    InputGroup::new(
        "Greetings",
        vec![
            input(
                Lines,
                "config.handshakes",
                "Requests that are answered in the sender's own way and become no events: a list of tables in JSON, as in \
                 the API.",
            ),
            input(Text, "config.verify_token", "What the sender shows in a greeting, where it shows something."),
        ],
    )
}

fn input(kind: InputKind, name: &'static str, hint: &str) -> Input {
    Input::new(kind, Field::new(name, ""), hint)
}

/// The first is the default.
fn chosen(name: &'static str, values: &[(&str, &str)], hint: &str) -> Input {
    let options = values.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    let usual = values.first().map(|(value, _)| *value).unwrap_or_default();
    Input::new(Select, Field::select(name, usual, options), hint)
}

const NO_OR_YES: [(&str, &str); 2] = [("", "no"), ("true", "yes")];

fn signature() -> InputGroup {
    let encodings = [("hex", "hex"), ("lower-hex", "hex in small letters only"), ("base64", "base64")];
    InputGroup::new(
        "The signature",
        vec![
            input(
                Text,
                "config.header",
                "Which header carries it, such as x-signature. Of several with commas between them the first that is \
                 there counts; {n} stands for the numbers from 1.",
            ),
            input(Text, "config.prefix", "What stands before it in the header, such as sha256=. Often nothing."),
            chosen("config.encoding", &encodings, ""),
        ],
    )
}

fn algorithm() -> Input {
    chosen("config.algorithm", &[("sha256", "SHA-256"), ("sha1", "SHA-1"), ("sha512", "SHA-512")], "")
}

fn hmac_keys() -> [Input; 2] {
    let encodings = [
        ("utf8", "its text as it is"),
        ("hex", "hex"),
        ("base64", "base64"),
        ("whsec", "base64 after whsec_"),
        ("html", "text with HTML entities"),
    ];
    [algorithm(), chosen("config.secret_encoding", &encodings, "How the secret is turned into bytes.")]
}

fn signed(keys: &[Input], usual: &str) -> InputGroup {
    let hint = format!(
        "Empty: {usual}. Around {{body}} may stand {{timestamp}}, {{id}}, {{method}}, {{url}} and any text, such as \
         v0:{{timestamp}}:{{body}}."
    );
    let mut inputs = vec![input(Text, "config.template", &hint)];
    inputs.extend_from_slice(keys);
    InputGroup::new("What is signed", inputs)
}

fn time() -> InputGroup {
    let units = [
        ("s", "seconds since 1970"),
        ("ms", "milliseconds since 1970"),
        ("rfc3339", "RFC 3339"),
        ("http-date", "as HTTP writes a date"),
    ];
    InputGroup::new(
        "Its time",
        vec![
            input(
                Text,
                "config.timestamp_header",
                "In a header of its own. A time that is signed keeps old requests out.",
            ),
            chosen("config.timestamp_unit", &units, ""),
            input(Number, "config.tolerance_s", "How old it may be. Empty: 300, which are five minutes."),
        ],
    )
}

fn token() -> InputGroup {
    InputGroup::new(
        "The token",
        vec![
            input(Text, "config.header", "Which header carries it, such as x-api-key."),
            input(Text, "config.prefix", "What stands before it in the header. Often nothing."),
        ],
    )
}

fn naming() -> InputGroup {
    InputGroup::new(
        "What the sender calls an event",
        vec![
            input(
                Text,
                "config.id_header",
                "Its id, where a header has it: the dedup key that is as the sender names it.",
            ),
            input(Text, "config.id_path", "Its id, where the body has it: a JSON Pointer, such as /event/id."),
            input(Text, "config.type_header", "Its type, where a header has it."),
            input(Text, "config.type_path", "Its type, where the body has it. Both empty: /type."),
        ],
    )
}
