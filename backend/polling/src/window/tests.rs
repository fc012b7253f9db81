//! Against lists that are cut off in every way: all is read, and it comes to an end.

use serde_json::json;

use super::*;
use crate::settings::tests::parsed;

const CAP: usize = 10;

/// How an API cuts off, and whether it counts the end of a window in.
#[derive(Clone, Copy, Debug)]
struct Manner {
    newest: bool,
    inclusive: bool,
}

const MANNERS: [Manner; 4] = [
    Manner { newest: true, inclusive: true },
    Manner { newest: true, inclusive: false },
    Manner { newest: false, inclusive: true },
    Manner { newest: false, inclusive: false },
];

fn settings(mode: &str, default: &str) -> PollSettings {
    parsed(json!({
        "request": {"query": {"since": format!("{{{{cursor{default}}}}}"), "until": "{{run.until}}"}},
        "cursor": {"mode": mode, "value": "$.at", "result_cap": CAP},
    }))
}

/// What the API gives of `records`, in ascending order, for these ends.
fn answer(records: &[i64], manner: Manner, from: Option<i64>, to: Option<i64>) -> Vec<i64> {
    let fits = |value: &&i64| {
        from.is_none_or(|from| **value >= from)
            && to.is_none_or(|to| if manner.inclusive { **value <= to } else { **value < to })
    };
    let all: Vec<i64> = records.iter().filter(fits).copied().collect();
    let cut = all.len().saturating_sub(CAP);
    if manner.newest { all[cut..].to_vec() } else { all[..all.len() - cut].to_vec() }
}

/// Reads all windows, each taken up from what was saved; what was read, in how many requests, or what was too dense.
fn read(settings: &PollSettings, records: &[i64], manner: Manner, run: &Vars) -> Result<(Vec<i64>, usize), TooDense> {
    let mode = settings.cursor.mode;
    let of_mode = Mode::of(mode).expect("a mode with halves");
    let mut windows = Windows::start(settings, run).expect("a cap");
    let (mut found, mut requests) = (Vec::new(), 0);
    loop {
        let vars = windows.vars(run);
        let to = match &vars.until {
            Until::At(at) => Some(at.as_secs()),
            Until::Value(value) => value.as_i64(),
            Until::Open => None,
        };
        let given = answer(records, manner, vars.cursor.as_ref().and_then(|from| of_mode.read(from)), to);
        requests += 1;
        let items: Vec<_> = given.iter().map(|value| CursorValue::parse(mode, &json!(value))).collect();
        for page in items.chunks(4) {
            windows.note(page.len(), page);
            windows = Windows::resume(settings, &windows.saved()).expect("the same settings");
        }
        found.extend(given);
        if windows.advance()? == NextWindow::End {
            found.sort_unstable();
            found.dedup();
            return Ok((found, requests));
        }
        windows = Windows::resume(settings, &windows.saved()).expect("the same settings");
    }
}

fn run(cursor: Option<Value>) -> Vars {
    Vars { until: Timestamp::from_secs(1_772_366_400).into(), ..Vars::sample(cursor) }
}

/// Many in a short time long ago, few since, and some in a crowd.
fn uneven() -> Vec<i64> {
    let mut records: Vec<i64> = (0..60).map(|number| 1_700_000_000 + number * 3).collect();
    records.extend((0..15).map(|number| 1_760_000_000 + number * 90_000));
    records.extend((0..30).map(|number| 1_772_000_000 + number / 2));
    records.sort_unstable();
    records
}

#[test]
fn nothing_of_a_list_that_is_cut_off_is_lost() {
    let records = uneven();
    let mut expected = records.clone();
    expected.dedup();
    for manner in MANNERS {
        for (mode, cursor) in [
            ("timestamp", None),
            ("timestamp", Some(json!(1_700_000_000))),
            ("integer", None),
            ("integer", Some(json!(1_700_000_000))),
        ] {
            let (found, requests) = read(&settings(mode, ""), &records, manner, &run(cursor.clone())).expect("read");
            assert_eq!(found, expected, "{manner:?} {mode} {cursor:?}");
            assert!(requests < 250, "{requests} requests, {manner:?} {mode} {cursor:?}");
        }
    }
}

#[test]
fn a_list_below_the_cap_is_asked_for_once() {
    for mode in ["timestamp", "integer"] {
        let (found, requests) = read(&settings(mode, ""), &[5, 6, 7], MANNERS[0], &run(None)).expect("read");
        assert_eq!((found, requests), (vec![5, 6, 7], 1));
    }
}

#[test]
fn what_is_older_than_the_request_begins_is_not_asked_for() {
    let records: Vec<i64> = (0..100).map(|number| 1_700_000_000 + number * 100).collect();
    let settings = settings("timestamp", "|default:1700005000");
    let mut windows = Windows::start(&settings, &run(None)).expect("a cap");
    windows.note(CAP, &[]);
    assert_eq!(windows.advance(), Ok(NextWindow::Halved));
    let first = windows.vars(&run(None)).cursor.expect("an end");
    assert_eq!(Mode::Timestamp.read(&first), Some(1_700_005_000));
    let run = run(Some(json!(1_700_009_000)));
    let (found, _) = read(&settings, &records, MANNERS[1], &run).expect("read");
    assert_eq!(found[0], 1_700_009_000);
}

#[test]
fn more_at_one_value_than_the_api_gives_is_an_error_that_says_where() {
    for manner in MANNERS {
        for mode in ["timestamp", "integer"] {
            let records = [vec![1_700_000_000; 4], vec![1_700_000_500; 12], vec![1_700_001_000; 2]].concat();
            let cause = read(&settings(mode, ""), &records, manner, &run(None)).expect_err("too many");
            assert_eq!(cause.listed, 10, "{manner:?} {mode}: {cause:?}");
            let (from, to): (i64, i64) = (cause.from.parse().expect("a number"), cause.to.parse().expect("a number"));
            assert!(from <= 1_700_000_500 && 1_700_000_500 <= to && to - from <= 1, "{manner:?} {mode}: {cause:?}");
        }
    }
}

#[test]
fn an_end_stands_in_the_form_of_the_provider() {
    let settings = settings("timestamp", "");
    let begin = run(Some(json!("2026-03-01T10:00:00.500+01:00")));
    let mut windows = Windows::start(&settings, &begin).expect("a cap");
    assert_eq!(windows.vars(&begin), begin, "the first window is asked for as ever");
    windows.note(CAP, &[]);
    assert_eq!(windows.advance(), Ok(NextWindow::Halved));
    let older = windows.vars(&begin);
    assert_eq!(older.cursor, Some(json!("2026-03-01T10:00:00.000+01:00")));
    assert_eq!(older.until, Until::At(Timestamp::from_secs(1_772_361_000)));
    windows.note(1, &[]);
    let Ok(NextWindow::Complete { until: Some(until) }) = windows.advance() else { panic!("{windows:?}") };
    assert_eq!(until.written(), &json!("2026-03-01T11:30:00.000+01:00"));
    assert_eq!(windows.vars(&begin).cursor.as_ref(), Some(until.written()));
}

#[test]
fn a_form_that_cannot_say_the_middle_has_no_halves() {
    let settings = settings("timestamp", "");
    let begin = run(Some(json!("2026-03-01")));
    let mut windows = Windows::start(&settings, &begin).expect("a cap");
    windows.note(CAP, &[]);
    assert!(windows.advance().is_err());
}

#[test]
fn other_settings_begin_anew() {
    let before = settings("integer", "");
    let saved = Windows::start(&before, &run(None)).expect("a cap").saved();
    assert!(Windows::resume(&before, &saved).is_some());
    assert!(Windows::resume(&settings("timestamp", ""), &saved).is_none());
    assert!(Windows::resume(&before, &json!({})).is_none());
    assert!(Windows::start(&parsed(json!({})), &run(None)).is_none());
}
