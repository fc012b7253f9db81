use std::borrow::Cow;

use serde_json::{Value, json};

use super::*;
use crate::{
    cursor::CursorValue,
    sample::{Dice, settings},
    settings::{CursorMode, Order},
};

/// A source with its rows, polled again and again.
struct Source {
    settings: PollSettings,
    rows: HashMap<Hash, Record>,
    now: Timestamp,
    is_primed: bool,
}

impl Source {
    fn new(changes: Value) -> Self {
        let now = Timestamp::from_secs(1_800_000_000);
        Self { settings: settings(changes), rows: HashMap::new(), now, is_primed: true }
    }

    fn poll(&mut self, items: &[Item<'_>]) -> Vec<(Outcome, Option<String>)> {
        self.look(items, None)
    }

    fn look(&mut self, items: &[Item<'_>], webhook_keys: Option<&HashSet<String>>) -> Vec<(Outcome, Option<String>)> {
        let pass = Pass { now: self.now, stage: Stage::of(self.is_primed), webhook_keys };
        let found = classify(&self.settings, items, &self.rows, &pass);
        for (position, one) in found.iter().enumerate() {
            assert_eq!(one.item, Some(position));
            if let Some(record) = &one.record {
                self.rows.insert(record.hash, record.clone());
            }
        }
        self.is_primed = true;
        found.into_iter().map(|one| (one.outcome, one.key)).collect()
    }

    fn one(&mut self, item: Item<'_>) -> (Outcome, Option<String>) {
        self.poll(&[item]).remove(0)
    }
}

fn item(id: &str, content: &str) -> Item<'static> {
    Item {
        raw: Cow::Owned(content.as_bytes().to_vec()),
        id: id.to_owned(),
        version: None,
        cursor: None,
        event_type: None,
        content_hash: canonical::hash(content),
    }
}

fn versioned(id: &str, version: &str) -> Item<'static> {
    Item { version: Some(version.to_owned()), ..item(id, version) }
}

fn dated(id: &str, at: i64) -> Item<'static> {
    Item { cursor: CursorValue::parse(CursorMode::Timestamp, &json!(at)), ..item(id, id) }
}

fn keyed(outcome: Outcome, key: &str) -> (Outcome, Option<String>) {
    (outcome, Some(key.to_owned()))
}

#[test]
fn each_record_is_news_once() {
    let mut source = Source::new(json!({"emit": "new"}));
    assert_eq!(source.one(item("a", "1")), keyed(Outcome::New, "a"));
    assert_eq!(source.one(item("a", "1")), (Outcome::Unchanged, None));
    assert_eq!(source.one(item("a", "2")), (Outcome::Unchanged, None), "a change of a known id is silent");
}

#[test]
fn there_and_back_is_three_events() {
    let mut source = Source::new(json!({"emit": "new_and_updated"}));
    let keys: Vec<String> =
        ["A", "B", "A", "A"].iter().filter_map(|content| source.one(item("x", content)).1).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 3, "{keys:?}");
    assert!(keys[0].ends_with(":1") && keys[2].ends_with(":3"), "{keys:?}");
    let mut tagged = Source::new(json!({"emit": "new_and_updated", "version": "$.etag"}));
    let keys: Vec<String> =
        ["\"A\"", "\"B\"", "\"A\""].iter().filter_map(|etag| tagged.one(versioned("x", etag)).1).collect();
    assert_eq!(keys, ["x:\"A\"", "x:\"B\":2", "x:\"A\":3"], "a version that comes back is another state");
}

#[test]
fn the_later_version_counts_and_the_older_is_not_emitted() {
    let mut source = Source::new(json!({"emit": "new_and_updated", "version": "$.v"}));
    assert_eq!(source.one(versioned("x", "9")), keyed(Outcome::New, "x:9"));
    assert_eq!(source.one(versioned("x", "10")), keyed(Outcome::Changed, "x:10"));
    assert_eq!(source.one(versioned("x", "9")), (Outcome::Stale, None));
    assert_eq!(source.one(versioned("x", "10.0")), (Outcome::Unchanged, None));
    let stamps = ["2026-01-01T00:00:00Z", "2026-01-01T02:00:00+01:00", "2026-01-01T00:30:00Z"];
    let outcomes: Vec<Outcome> = stamps.iter().map(|stamp| source.one(versioned("y", stamp)).0).collect();
    assert_eq!(outcomes, [Outcome::New, Outcome::Changed, Outcome::Stale]);
}

#[test]
fn a_change_must_hold_for_as_many_polls_as_were_asked_for() {
    let mut source = Source::new(json!({"emit": "new_and_updated", "stable_polls": 2}));
    let outcomes: Vec<Outcome> =
        ["A", "A", "A", "A", "B", "C", "C", "C", "C"].iter().map(|content| source.one(item("x", content)).0).collect();
    use Outcome::{Changed, New, Unchanged, Unstable};
    assert_eq!(outcomes, [Unstable, Unstable, New, Unchanged, Unstable, Unstable, Unstable, Changed, Unchanged]);
    assert!(Unstable.holds_cursor() && !New.holds_cursor());
}

#[test]
fn a_first_run_remembers_without_emitting() {
    let mut source = Source { is_primed: false, ..Source::new(json!({"emit": "new_and_updated"})) };
    assert_eq!(source.poll(&[item("a", "1"), item("b", "1")]), [(Outcome::Skipped, None), (Outcome::Skipped, None)]);
    let later = source.poll(&[item("a", "1"), item("b", "2"), item("c", "1")]);
    assert_eq!(
        later.iter().map(|(outcome, _)| *outcome).collect::<Vec<_>>(),
        [Outcome::Unchanged, Outcome::Changed, Outcome::New]
    );
}

#[test]
fn a_first_run_emits_what_was_asked_for() {
    let since = json!({
        "first_run": {"since": "2026-01-01T00:00:00Z"},
        "cursor": {"mode": "timestamp", "value": "$.at"},
    });
    let boundary = 1_767_225_600;
    let mut source = Source { is_primed: false, ..Source::new(since) };
    let found = source.poll(&[
        dated("old", boundary - 1),
        dated("same", boundary),
        dated("new", boundary + 1),
        item("undated", "1"),
    ]);
    let outcomes: Vec<Outcome> = found.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(outcomes, [Outcome::Skipped, Outcome::New, Outcome::New, Outcome::New]);
    let mut all = Source { is_primed: false, ..Source::new(json!({"first_run": "backfill"})) };
    assert_eq!(all.one(item("a", "1")), keyed(Outcome::New, "a"));
}

#[test]
fn the_last_ones_of_a_first_run_are_kept() {
    let ids = |newest: Newest| newest.finish().iter().map(|item| item.id.clone()).collect::<Vec<_>>();
    let names = ["a", "b", "c", "d"];
    for (order, expected) in [(Order::Asc, ["c", "d"]), (Order::Unknown, ["c", "d"]), (Order::Desc, ["b", "a"])] {
        let mut newest = Newest::new(2, order);
        let dropped: Vec<String> =
            names.iter().filter_map(|id| newest.offer(item(id, "1"))).map(|item| item.id).collect();
        assert_eq!(dropped.len(), 2, "what is not kept comes back");
        assert_eq!(ids(newest), expected, "{order:?}");
    }
    let mut dated_ones = Newest::new(2, Order::Unknown);
    for (id, at) in [("w", 1_000), ("x", 4_000), ("y", 2_000), ("z", 3_000), ("x", 4_000)] {
        dated_ones.offer(dated(id, at));
    }
    assert_eq!(ids(dated_ones), ["z", "x"], "by their cursor values, each once");
    assert_eq!(Newest::new(0, Order::Asc).offer(item("a", "1")).map(|item| item.id), Some("a".to_owned()));
}

#[test]
fn a_poll_beside_a_webhook_waits_and_then_brings_what_was_lost() {
    let mut source = Source::new(json!({"reconcile": {"grace_s": 120}}));
    let items = [item("a", "1"), item("b", "1")];
    assert_eq!(possible_keys(&source.settings, &items, &source.rows), ["a", "b"]);
    let taken = HashSet::from(["a".to_owned()]);
    assert_eq!(source.look(&items, Some(&taken)), [keyed(Outcome::Confirmed, "a"), keyed(Outcome::Waiting, "b")]);
    source.now = source.now.plus_secs(119);
    assert_eq!(source.look(&items, Some(&taken)), [(Outcome::Unchanged, None), keyed(Outcome::Waiting, "b")]);
    assert!(Outcome::Waiting.holds_cursor());
    source.now = source.now.plus_secs(1);
    assert_eq!(source.look(&items, Some(&taken)), [(Outcome::Unchanged, None), keyed(Outcome::Lost, "b")]);
    assert_eq!(source.look(&items, Some(&taken)), [(Outcome::Unchanged, None), (Outcome::Unchanged, None)]);
}

#[test]
fn a_webhook_that_comes_within_the_grace_confirms() {
    let mut source = Source::new(json!({"emit": "new_and_updated", "version": "$.v", "reconcile": {"grace_s": 60}}));
    let none = HashSet::new();
    assert_eq!(source.look(&[versioned("a", "1")], Some(&none)), [keyed(Outcome::Waiting, "a:1")]);
    source.now = source.now.plus_secs(90);
    assert_eq!(source.look(&[versioned("a", "2")], Some(&none)), [keyed(Outcome::Waiting, "a:2")], "its own grace");
    let taken = HashSet::from(["a:2".to_owned()]);
    source.now = source.now.plus_secs(90);
    assert_eq!(source.look(&[versioned("a", "2")], Some(&taken)), [keyed(Outcome::Confirmed, "a:2")]);
}

#[test]
fn a_change_that_no_key_can_match_is_not_called_lost() {
    let mut source = Source::new(json!({"emit": "new_and_updated", "reconcile": {"grace_s": 0}}));
    let taken = HashSet::new();
    assert_eq!(source.look(&[item("a", "1")], Some(&taken))[0].0, Outcome::Lost);
    assert_eq!(source.look(&[item("a", "2")], Some(&taken))[0].0, Outcome::Unmatched);
    assert_eq!(source.look(&[item("a", "2")], Some(&taken))[0].0, Outcome::Unchanged);
}

#[test]
fn only_a_whole_list_says_what_is_gone() {
    let whole = Census { is_complete: true, is_filtered: false, quarantined: 0, listed: 5, before: 10 };
    assert_eq!(whole.check(), Ok(()));
    let table = [
        (Census { is_complete: false, ..whole }, DeletionSkipped::Incomplete),
        (Census { is_filtered: true, ..whole }, DeletionSkipped::Filtered),
        (Census { quarantined: 1, ..whole }, DeletionSkipped::Quarantined),
        (Census { listed: 4, ..whole }, DeletionSkipped::TooFew),
    ];
    for (census, why) in table {
        assert_eq!(census.check(), Err(why));
    }
}

#[test]
fn what_two_lists_miss_is_deleted_and_may_come_back() {
    let mut source = Source::new(json!({"emit": "all_changes", "version": "$.v"}));
    assert_eq!(source.one(versioned("x", "1")), keyed(Outcome::New, "x:1"));
    let miss = |source: &mut Source| {
        let found = deletions(source.rows.values().cloned()).pop();
        if let Some(record) = found.as_ref().and_then(|one| one.record.clone()) {
            source.rows.insert(record.hash, record);
        }
        found.map(|one| (one.outcome, one.key))
    };
    assert_eq!(miss(&mut source), Some((Outcome::Missed, None)));
    assert_eq!(source.one(versioned("x", "1")), (Outcome::Unchanged, None), "it was there again");
    assert_eq!(miss(&mut source), Some((Outcome::Missed, None)), "so the count begins anew");
    assert_eq!(miss(&mut source), Some(keyed(Outcome::Deleted, "x:del:2")));
    assert_eq!(miss(&mut source), None, "deleted once");
    assert_eq!(source.one(versioned("x", "1")), keyed(Outcome::New, "x:1:3"), "under a key of its own");
    assert_eq!(source.one(versioned("x", "1")), (Outcome::Unchanged, None));
    miss(&mut source);
    assert_eq!(miss(&mut source), Some(keyed(Outcome::Deleted, "x:del:4")));
}

#[test]
fn what_was_never_emitted_is_not_taken_back() {
    let mut source = Source::new(json!({"emit": "all_changes", "stable_polls": 1}));
    assert_eq!(source.one(item("x", "1")).0, Outcome::Unstable);
    for _ in 0..2 {
        let gone = deletions(source.rows.values().cloned()).remove(0);
        assert!(!gone.outcome.is_emitted() && gone.key.is_none());
        let record = gone.record.expect("a row");
        source.rows.insert(record.hash, record);
    }
}

/// Whatever a provider shows, and however often: each record is one of the outcomes, and each of its states that differs
/// from the one before is emitted, under a key that was not used before.
#[test]
fn no_state_is_lost_and_no_key_used_twice() {
    let mut dice = Dice(99);
    for _ in 0..200 {
        let mut source = Source::new(json!({"emit": "new_and_updated"}));
        let (mut shown, mut keys, mut expected) = (HashMap::new(), HashSet::new(), 0);
        for _ in 0..30 {
            let items: Vec<Item<'_>> = (0..4)
                .filter(|_| dice.below(3) > 0)
                .collect::<Vec<u64>>()
                .into_iter()
                .map(|id| item(&id.to_string(), &dice.below(3).to_string()))
                .collect();
            for item in &items {
                if shown.insert(item.id.clone(), item.content_hash) != Some(item.content_hash) {
                    expected += 1;
                }
            }
            let found = source.poll(&items);
            assert_eq!(found.len(), items.len());
            for (outcome, key) in found.into_iter().filter(|(outcome, _)| outcome.is_emitted()) {
                assert!(keys.insert(key.clone().expect("a key")), "{outcome:?} {key:?}");
            }
        }
        assert_eq!(keys.len(), expected);
    }
}
