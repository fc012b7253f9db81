use serde_json::json;

use super::*;
use crate::sample::{self, Dice};

fn rules(mode: CursorMode, order: Order) -> CursorSettings {
    CursorSettings { mode, order, ..CursorSettings::default() }
}

fn timestamps(order: Order, lookback_s: u32, settle_s: u32) -> CursorSettings {
    CursorSettings { lookback_s, settle_s, ..rules(CursorMode::Timestamp, order) }
}

fn values(mode: CursorMode, list: &[Value]) -> Vec<Option<CursorValue>> {
    list.iter().map(|value| CursorValue::parse(mode, value)).collect()
}

fn integers(list: &[i64]) -> Vec<Option<CursorValue>> {
    values(CursorMode::Integer, &list.iter().map(|value| json!(value)).collect::<Vec<_>>())
}

fn polled(rules: &CursorSettings) -> PollSettings {
    PollSettings { cursor: rules.clone(), ..sample::settings(json!({})) }
}

/// Records of these values, all of them held.
fn holding(values: &[Option<CursorValue>]) -> Vec<Held> {
    let held =
        |value: &Option<CursorValue>| Held { record: crate::record_hash(&format!("{value:?}")), value: value.clone() };
    values.iter().map(held).collect()
}

/// A page of integers, of which some are held.
fn page(state: &mut CursorState, rules: &CursorSettings, items: &[i64], held: &[i64]) {
    let (items, held) = (integers(items), holding(&integers(held)));
    state.after_page(rules, PageCursors { items: &items, held: &held, ..PageCursors::default() });
}

#[test]
fn instants_are_compared_by_what_they_mean() {
    let same = [
        json!("2026-03-14T09:26:53Z"),
        json!("2026-03-14T10:26:53.000+01:00"),
        json!("2026-03-14 09:26:53"),
        json!("2026-03-14T04:56:53-0430"),
        json!(1_773_480_413),
        json!("1773480413"),
        json!(1_773_480_413_000_i64),
        json!("1773480413.000"),
        json!(1_773_480_413_000_000_i64),
    ];
    let values = values(CursorMode::Timestamp, &same);
    let first = values[0].as_ref().expect("an instant");
    for value in &values {
        let value = value.as_ref().expect("an instant");
        assert_eq!(value.compare(first), Some(Ordering::Equal), "{value:?}");
        assert_eq!(value.instant(), Some(Timestamp::from_secs(1_773_480_413)));
    }
    for none in
        [json!(null), json!(""), json!("soon"), json!({}), json!(-5), json!("2026-13-01T00:00:00Z"), json!("1.2.3")]
    {
        assert_eq!(CursorValue::parse(CursorMode::Timestamp, &none), None, "{none}");
    }
}

#[test]
fn a_cursor_goes_back_in_the_form_it_came_in() {
    let table = [
        (json!("2026-03-14T09:26:53Z"), json!("2026-03-14T09:21:53Z")),
        (json!("2026-03-14T09:26:53.120z"), json!("2026-03-14T09:21:53.120z")),
        (json!("2026-03-14T00:03:00.123456789+05:45"), json!("2026-03-13T23:58:00.123456789+05:45")),
        (json!("2026-03-14T09:26:53.5-0430"), json!("2026-03-14T09:21:53.5-0430")),
        (json!("2026-03-14 09:26:53"), json!("2026-03-14 09:21:53")),
        (json!("2026-03-14"), json!("2026-03-13")),
        (json!(1_773_480_413), json!(1_773_480_113)),
        (json!("1773480413"), json!("1773480113")),
        (json!(1_773_480_413_250_i64), json!(1_773_480_113_250_i64)),
        (json!("1773480413.000200"), json!("1773480113.000200")),
    ];
    let rules = timestamps(Order::Asc, 300, 0);
    for (written, expected) in table {
        let state = CursorState::read(&rules, Some(&written), None);
        assert_eq!(state.lower_bound(&rules), Some(expected), "{written}");
        let plain = timestamps(Order::Asc, 0, 0);
        assert_eq!(state.lower_bound(&plain), Some(written.clone()), "without lookback as it was");
    }
    let integer = rules_of_integers();
    let state = CursorState::read(&integer, Some(&json!(7)), None);
    assert_eq!(state.lower_bound(&integer), Some(json!(7)));
}

fn rules_of_integers() -> CursorSettings {
    rules(CursorMode::Integer, Order::Asc)
}

#[test]
fn an_ascending_list_moves_the_cursor_page_by_page() {
    let rules = rules_of_integers();
    let mut state = CursorState::read(&rules, Some(&json!(3)), None);
    page(&mut state, &rules, &[3, 4, 4], &[]);
    assert_eq!((state.value(), state.candidate()), (Some(&json!(4)), None));
    page(&mut state, &rules, &[], &[]);
    page(&mut state, &rules, &[4, 9], &[]);
    state.at_end(None);
    assert_eq!(state.value(), Some(&json!(9)));
}

#[test]
fn a_list_that_may_be_cut_off_moves_it_window_by_window() {
    let rules = CursorSettings { result_cap: Some(10), ..rules(CursorMode::Integer, Order::Asc) };
    let mut state = CursorState::read(&rules, Some(&json!(3)), None);
    // The newest of a window that came back full.
    page(&mut state, &rules, &[90, 95, 99], &[]);
    assert_eq!(state.value(), Some(&json!(3)), "nobody knows what was left out");
    page(&mut state, &rules, &[5, 20], &[]);
    let end = CursorValue::parse(CursorMode::Integer, &json!(50)).expect("an integer");
    state.at_window(&end, None);
    assert_eq!((state.value(), state.candidate()), (Some(&json!(50)), Some(json!(99))));
    page(&mut state, &rules, &[60, 70], &[60]);
    let end = CursorValue::parse(CursorMode::Integer, &json!(75)).expect("an integer");
    state.at_window(&end, None);
    assert_eq!(state.value(), Some(&json!(59)), "not past what is unsettled");
    page(&mut state, &rules, &[90, 95, 99], &[]);
    state.at_end(None);
    assert_eq!(state.value(), Some(&json!(59)));
}

#[test]
fn any_other_list_moves_it_at_the_end() {
    for order in [Order::Desc, Order::Unknown] {
        let rules = rules(CursorMode::Integer, order);
        let mut state = CursorState::read(&rules, Some(&json!(3)), None);
        page(&mut state, &rules, &[9, 8], &[]);
        assert_eq!((state.value(), state.candidate()), (Some(&json!(3)), Some(json!(9))), "{order:?}");
        let mut resumed = CursorState::read(&rules, state.value(), state.candidate().as_ref());
        page(&mut resumed, &rules, &[7, 3], &[]);
        resumed.at_end(None);
        assert_eq!((resumed.value(), resumed.candidate()), (Some(&json!(9)), None), "{order:?}");
    }
}

#[test]
fn a_list_that_does_not_ascend_as_it_should_waits_for_its_end() {
    let rules = rules_of_integers();
    let mut state = CursorState::default();
    page(&mut state, &rules, &[1, 5, 2], &[]);
    assert_eq!((state.value(), state.candidate()), (None, Some(json!({ "value": 5, "disordered": true }))));
    page(&mut state, &rules, &[6, 7], &[]);
    assert_eq!(state.value(), None);
    state.at_end(None);
    assert_eq!(state.value(), Some(&json!(7)));
    page(&mut state, &rules, &[8], &[]);
    assert_eq!(state.value(), Some(&json!(8)), "the next run is trusted again");
}

#[test]
fn unsettled_records_hold_the_cursor_back() {
    for order in [Order::Asc, Order::Desc, Order::Unknown] {
        let rules = rules(CursorMode::Integer, order);
        let mut state = CursorState::read(&rules, Some(&json!(3)), None);
        page(&mut state, &rules, &[4, 5, 6], &[5]);
        let mut resumed = CursorState::read(&rules, state.value(), state.candidate().as_ref());
        page(&mut resumed, &rules, &[7, 8], &[]);
        resumed.at_end(None);
        assert_eq!(resumed.value(), Some(&json!(4)), "{order:?}");
        let mut settled = CursorState::read(&rules, resumed.value(), resumed.candidate().as_ref());
        page(&mut settled, &rules, &[5, 8], &[]);
        settled.at_end(None);
        assert_eq!(settled.value(), Some(&json!(8)), "{order:?}");
    }
}

#[test]
fn a_cursor_is_held_where_the_next_number_is_the_unsettled_one() {
    let table = [
        (CursorMode::Integer, json!(100), json!(99)),
        (CursorMode::Integer, json!("100"), json!("99")),
        (CursorMode::Integer, json!(0), json!(-1)),
        (CursorMode::Timestamp, json!(1_773_480_413), json!(1_773_480_412)),
        (CursorMode::Timestamp, json!("1773480413000"), json!("1773480412999")),
        (CursorMode::Timestamp, json!("2026-03-14T09:26:53Z"), json!("2026-03-14T09:26:53Z")),
    ];
    for (mode, written, expected) in table {
        let (rules, items) = (rules(mode, Order::Asc), values(mode, std::slice::from_ref(&written)));
        let mut state = CursorState::default();
        state.after_page(&rules, PageCursors { items: &items, held: &holding(&items), ..PageCursors::default() });
        state.at_end(None);
        assert_eq!(state.value(), Some(&expected), "{written}");
    }
}

#[test]
fn an_unsettled_record_without_a_value_stops_the_cursor() {
    for cursor in [None, Some(json!(3))] {
        let rules = rules_of_integers();
        let mut state = CursorState::read(&rules, cursor.as_ref(), None);
        let items = [integers(&[4]), vec![None]].concat();
        state.after_page(&rules, PageCursors { items: &items, held: &holding(&[None]), ..PageCursors::default() });
        state.at_end(None);
        assert_eq!(state.value(), cursor.as_ref());
        page(&mut state, &rules, &[4], &[]);
        assert_eq!(state.value(), Some(&json!(4)), "the next run is free");
    }
}

#[test]
fn a_token_is_taken_unless_something_of_its_page_is_unsettled() {
    let rules = rules(CursorMode::Token, Order::Unknown);
    let token = |text: &str| CursorValue::parse(CursorMode::Token, &json!(text));
    let mut state = CursorState::default();
    let (a, b) = (token("a"), token("b"));
    state.after_page(&rules, PageCursors { token: a.as_ref(), ..PageCursors::default() });
    assert_eq!(state.value(), Some(&json!("a")));
    state.after_page(&rules, PageCursors { token: b.as_ref(), held: &holding(&[None]), ..PageCursors::default() });
    state.after_page(&rules, PageCursors { token: b.as_ref(), ..PageCursors::default() });
    state.at_end(None);
    assert_eq!(state.value(), Some(&json!("a")));
    state.after_page(&rules, PageCursors::default());
    assert_eq!(state.value(), Some(&json!("a")), "a page without one keeps the old");
}

#[test]
fn the_cursor_stays_behind_the_providers_clock() {
    let rules = timestamps(Order::Asc, 0, 30);
    let mut state = CursorState::read(&rules, Some(&json!("2026-03-14T09:00:00+01:00")), None);
    let date = Timestamp::parse_rfc3339("2026-03-14T09:00:00Z").expect("valid");
    let until = state.upper_bound(&rules, date).expect("of timestamps");
    assert_eq!(until.written(), &json!("2026-03-14T09:59:30+01:00"), "in the provider's form");
    let items =
        values(CursorMode::Timestamp, &[json!("2026-03-14T09:59:00+01:00"), json!("9999-01-01T00:00:00+01:00")]);
    state.after_page(&rules, PageCursors { items: &items, until: Some(&until), ..PageCursors::default() });
    assert_eq!(state.value(), Some(until.written()), "a record of the far future does not carry it away");
    assert_eq!(CursorState::default().upper_bound(&rules_of_integers(), date), None);
    let fresh = CursorState::default().upper_bound(&rules, date).expect("of timestamps");
    assert_eq!(fresh.written(), &json!("2026-03-14T08:59:30Z"));
}

#[test]
fn a_bound_is_sent_in_the_providers_form_from_the_first_run_on() {
    let rules = timestamps(Order::Desc, 300, 30);
    let date = Timestamp::from_secs(1_773_480_413);
    let mut state = CursorState::default();
    let until = state.upper_bound(&rules, date);
    let items = values(CursorMode::Timestamp, &[json!(99_999_999_999_i64), json!(1_773_480_000)]);
    state.after_page(&rules, PageCursors { items: &items, until: until.as_ref(), ..PageCursors::default() });
    state.at_end(until.as_ref());
    assert_eq!(state.value(), Some(&json!(1_773_480_383)));
    assert_eq!(state.lower_bound(&rules), Some(json!(1_773_480_083)));
}

#[test]
fn a_cursor_never_goes_back() {
    let rules = timestamps(Order::Unknown, 300, 30);
    let mut state = CursorState::read(&rules, Some(&json!("2026-03-14T09:00:00Z")), None);
    let items = values(CursorMode::Timestamp, &[json!("2026-03-14T08:56:00Z")]);
    let until = CursorValue::parse(CursorMode::Timestamp, &json!("2026-03-14T08:00:00Z"));
    state.after_page(&rules, PageCursors { items: &items, until: until.as_ref(), ..PageCursors::default() });
    state.at_end(until.as_ref());
    assert_eq!(state.value(), Some(&json!("2026-03-14T09:00:00Z")));
}

#[test]
fn a_descending_list_is_read_until_it_is_old() {
    let rules = timestamps(Order::Desc, 60, 0);
    let state = CursorState::read(&rules, Some(&json!(1_000_000_000)), None);
    let stops = |list: &[i64]| {
        let list: Vec<Value> = list.iter().map(|value| json!(value)).collect();
        state.stops_descending(&polled(&rules), &values(CursorMode::Timestamp, &list), 0)
    };
    assert!(stops(&[999_999_939, 999_999_900]));
    assert!(!stops(&[999_999_940, 999_999_900]), "one lies within the lookback");
    assert!(!stops(&[]), "an empty page ends the list, not this rule");
    assert!(!state.stops_descending(&polled(&rules), &[None], 0), "an item without a value may be new");
    let first = CursorState::default();
    assert!(!first.stops_descending(&polled(&rules), &integers(&[1]), 0), "a first run reads all");
    let none = polled(&self::rules(CursorMode::None, Order::Desc));
    assert!(first.stops_descending(&none, &[None, None], 0) && !first.stops_descending(&none, &[None], 1));
    let whole = PollSettings { emit: Emit::AllChanges, ..none };
    assert!(!first.stops_descending(&whole, &[None], 0), "what is gone shows in the whole list only");
    assert!(!first.stops_descending(&polled(&self::rules(CursorMode::None, Order::Unknown)), &[None], 0));
}

#[test]
fn what_the_provider_has_dropped_is_noticed() {
    let rules = CursorSettings { retention_s: Some(3_600), ..timestamps(Order::Asc, 0, 0) };
    let state = CursorState::read(&rules, Some(&json!(1_000_000)), None);
    assert!(!state.is_beyond_retention(&rules, Timestamp::from_secs(1_003_600)));
    assert!(state.is_beyond_retention(&rules, Timestamp::from_secs(1_003_601)));
    assert!(!CursorState::default().is_beyond_retention(&rules, Timestamp::from_secs(1)));
}

#[test]
fn versions_are_ordered_where_they_can_be() {
    use Ordering::{Equal, Greater, Less};
    let table = [
        ("2026-03-01T00:00:00Z", "2026-03-01T01:00:00+01:00", Some(Equal)),
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00.1Z", Some(Less)),
        ("9", "10", Some(Less)),
        ("007", "7", Some(Equal)),
        ("1.5", "1.25", Some(Greater)),
        ("99999999999999999999999999", "100000000000000000000000000", Some(Less)),
        ("abc", "abc", Some(Equal)),
        ("abc", "abd", None),
        ("W/\"1\"", "W/\"2\"", None),
        ("3", "2026-03-01T00:00:00Z", Some(Less)),
    ];
    for (left, right, expected) in table {
        assert_eq!(compare_versions(left, right), expected, "{left} {right}");
        assert_eq!(compare_versions(right, left), expected.map(Ordering::reverse), "{right} {left}");
    }
}

/// A provider with records that share instants, pages that cut through them, and runs that break off: whatever happens,
/// what lies below the cursor has been seen.
#[test]
fn a_cursor_never_passes_a_record_that_was_not_read() {
    let mut dice = Dice(7);
    for round in 0..300 {
        let order = [Order::Asc, Order::Desc, Order::Unknown][usize::try_from(dice.below(3)).expect("small")];
        let rules = rules(CursorMode::Integer, order);
        let mut records: Vec<i64> =
            (0..dice.below(60)).map(|_| i64::try_from(dice.below(12)).expect("small")).collect();
        match order {
            Order::Asc => records.sort_unstable(),
            Order::Desc => records.sort_unstable_by(|left, right| right.cmp(left)),
            Order::Unknown => {}
        }
        let size = usize::try_from(1 + dice.below(7)).expect("small");
        let mut state = CursorState::default();
        let mut read = vec![false; records.len()];
        'runs: for _ in 0..4 {
            for (number, chunk) in records.chunks(size).enumerate() {
                if dice.below(5) == 0 {
                    // A crash: what is in the row is all that is known, and the list is read from its beginning.
                    state = CursorState::read(&rules, state.value(), None);
                    continue 'runs;
                }
                page(&mut state, &rules, chunk, &[]);
                read[number * size..number * size + chunk.len()].fill(true);
                let cursor = state.value().and_then(Value::as_i64);
                let passed =
                    records.iter().zip(&read).find(|(record, read)| cursor.is_some_and(|at| **record < at) && !**read);
                assert_eq!(passed, None, "round {round}, {order:?}: {records:?}, cursor {cursor:?}");
            }
            state.at_end(None);
        }
    }
}

#[test]
fn what_waits_is_sought_until_it_is_met() {
    let rules = rules(CursorMode::None, Order::Desc);
    let [a, b, c] = ["a", "b", "c"].map(crate::record_hash);
    let held = |record: Hash| [Held { record, value: None }];
    let mut state = CursorState::default();
    state.after_page(&rules, PageCursors { held: &held(a), ..PageCursors::default() });
    assert!(!state.go_beyond(), "of this listing it was met");
    let mut state = CursorState::read(&rules, None, state.candidate().as_ref());
    state.after_page(&rules, PageCursors { held: &held(b), ..PageCursors::default() });
    state.at_end(None);
    let saved = state.candidate();
    let mut state = CursorState::read(&rules, None, saved.as_ref());
    state.after_page(&rules, PageCursors { listed: &[a, c], held: &held(c), ..PageCursors::default() });
    assert!(state.go_beyond() && state.is_beyond());
    let mut resumed = CursorState::read(&rules, None, state.candidate().as_ref());
    assert_eq!(resumed.awaited, state.awaited);
    resumed.after_page(&rules, PageCursors { listed: &[b], ..PageCursors::default() });
    assert!(!resumed.go_beyond());
    resumed.at_end(None);
    let next = CursorState::read(&rules, None, resumed.candidate().as_ref());
    assert!(next.seeks() && !next.is_beyond(), "the third");
    state.restart();
    state.after_page(&rules, PageCursors { listed: &[b], ..PageCursors::default() });
    assert!(state.seeks(), "what was met and waits is sought again from the beginning");
    state.after_page(&rules, PageCursors { listed: &[c], ..PageCursors::default() });
    state.at_end(None);
    assert_eq!(state.candidate(), None);
}

#[test]
fn of_too_many_that_wait_all_is_read() {
    let rules = rules(CursorMode::None, Order::Desc);
    let many: Vec<Hash> = (0..501).map(|number| crate::record_hash(&number.to_string())).collect();
    let held: Vec<Held> = many.iter().map(|record| Held { record: *record, value: None }).collect();
    let mut state = CursorState::default();
    state.after_page(&rules, PageCursors { held: &held, ..PageCursors::default() });
    state.at_end(None);
    let mut state = CursorState::read(&rules, None, state.candidate().as_ref());
    state.after_page(&rules, PageCursors { listed: &many, ..PageCursors::default() });
    assert!(state.go_beyond());
    state.at_end(None);
    assert!(!state.seeks());
}

/// As after a run that was cut short: what is not in the row is forgotten.
fn resumed(rules: &CursorSettings, state: &CursorState) -> CursorState {
    let mut state = CursorState::read(rules, state.value(), state.candidate().as_ref());
    state.resume();
    state
}

#[test]
fn a_list_that_is_resumed_is_held_by_what_was_seen_before() {
    for order in [Order::Asc, Order::Unknown] {
        let rules = rules(CursorMode::Integer, order);
        let mut state = CursorState::default();
        state.after_page(&rules, PageCursors { held: &holding(&[None]), ..PageCursors::default() });
        let mut state = resumed(&rules, &state);
        page(&mut state, &rules, &[5, 6], &[]);
        let mut state = resumed(&rules, &state);
        page(&mut state, &rules, &[7], &[]);
        state.at_end(None);
        assert_eq!(state.value(), None, "{order:?}: an unsettled one has no value to hold by");
        let mut state = resumed(&rules, &state);
        page(&mut state, &rules, &[5, 6, 7], &[]);
        state.at_end(None);
        assert_eq!(state.value(), Some(&json!(7)), "{order:?}: the next run is free");
    }
}

#[test]
fn a_list_that_is_resumed_and_does_not_ascend_waits_for_its_end() {
    let rules = rules_of_integers();
    let mut state = CursorState::default();
    page(&mut state, &rules, &[4, 5], &[]);
    let mut state = resumed(&rules, &state);
    page(&mut state, &rules, &[2, 9], &[]);
    let mut state = resumed(&rules, &state);
    page(&mut state, &rules, &[10], &[]);
    assert_eq!(state.value(), Some(&json!(5)), "it fell, and may do so again");
    let mut again = state.clone();
    state.at_end(None);
    assert_eq!((state.value(), state.candidate()), (Some(&json!(10)), None));
    again.restart();
    page(&mut again, &rules, &[5, 6], &[]);
    assert_eq!(again.value(), Some(&json!(6)), "from the beginning it is trusted again");
}

#[test]
fn a_token_is_held_over_a_list_that_is_resumed() {
    let rules = rules(CursorMode::Token, Order::Unknown);
    let token = CursorValue::parse(CursorMode::Token, &json!("b"));
    let mut state = CursorState::read(&rules, Some(&json!("a")), None);
    state.after_page(&rules, PageCursors { held: &holding(&[None]), ..PageCursors::default() });
    let mut state = resumed(&rules, &state);
    state.after_page(&rules, PageCursors { token: token.as_ref(), ..PageCursors::default() });
    state.at_end(None);
    assert_eq!(state.value(), Some(&json!("a")));
}
