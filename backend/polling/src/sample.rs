//! Settings for tests: the least that is needed, and what a test changes about it.

use serde_json::{Value, json};

use crate::settings::PollSettings;

pub(crate) fn settings(changes: Value) -> PollSettings {
    let mut value = json!({
        "request": {"url": "https://api.example.com/orders"},
        "schedule": {"interval_s": 60},
        "items": "$.data[*]",
        "id": "$.id",
    });
    for (name, change) in changes.as_object().expect("an object") {
        value[name] = change.clone();
    }
    if value["format"] == "feed" {
        value.as_object_mut().expect("an object").remove("items");
    }
    PollSettings::parse(&value, 1).expect("valid settings")
}

/// Numbers that look like chance and are the same each time (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
