use std::collections::HashSet;

use chrono::{DateTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::*;
use crate::sample::Dice;

fn cron(text: &str, zone: &str) -> Schedule {
    Schedule::Cron { cron: text.to_owned(), timezone: zone.parse().expect("a zone") }
}

fn interval(interval_s: u32, jitter_pct: u8) -> Schedule {
    Schedule::Interval { interval_s, jitter_pct }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("an instant")
}

/// Local times from an instant on, with their offsets.
fn locals(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
    let Schedule::Cron { timezone, .. } = schedule else { panic!("not a cron") };
    let show = |at: Timestamp| {
        let at = DateTime::from_timestamp(at.as_secs(), 0).expect("an instant").with_timezone(timezone);
        at.format("%d %H:%M:%S %:z").to_string()
    };
    upcoming(schedule, at(from), Spread::None, count).into_iter().map(show).collect()
}

/// All instants of a year, checked to rise.
fn year(schedule: &Schedule, year: i32) -> Vec<Timestamp> {
    let (start, end) = (at(&format!("{year}-01-01T00:00:00Z")), at(&format!("{}-01-01T00:00:00Z", year + 1)));
    let first = next_after(schedule, start.plus_ms(-1), Spread::None);
    let table = Timetable::new(schedule, Spread::None).expect("a schedule");
    let instants: Vec<Timestamp> =
        std::iter::successors(first, |last| table.next_after(*last)).take_while(|at| *at < end).collect();
    assert!(instants.windows(2).all(|pair| pair[0] < pair[1]), "strictly rising");
    instants
}

const ZONES: [&str; 4] = ["America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu"];

#[test]
fn clocks_that_go_forward_in_new_york() {
    // 2026-03-08, 02:00 is 03:00.
    let daily = cron("30 2 * * *", "America/New_York");
    assert_eq!(
        locals(&daily, "2026-03-07T00:00:00Z", 3),
        ["07 02:30:00 -05:00", "08 03:00:00 -04:00", "09 02:30:00 -04:00"]
    );
    let hourly = cron("0 * * * *", "America/New_York");
    assert_eq!(
        locals(&hourly, "2026-03-08T05:30:00Z", 3),
        ["08 01:00:00 -05:00", "08 03:00:00 -04:00", "08 04:00:00 -04:00"]
    );
    let listed = cron("0,30 1-3 * * *", "America/New_York");
    assert_eq!(
        locals(&listed, "2026-03-08T05:45:00Z", 4),
        ["08 01:00:00 -05:00", "08 01:30:00 -05:00", "08 03:00:00 -04:00", "08 03:30:00 -04:00"]
    );
}

#[test]
fn clocks_that_go_back_in_new_york() {
    // 2026-11-01, 02:00 is 01:00 again.
    let daily = cron("30 1 * * *", "America/New_York");
    assert_eq!(locals(&daily, "2026-11-01T00:00:00Z", 2), ["01 01:30:00 -04:00", "02 01:30:00 -05:00"]);
    assert_eq!(
        locals(&daily, "2026-11-01T06:10:00Z", 1),
        ["02 01:30:00 -05:00"],
        "asked in the middle of the repeated hour"
    );
    let night = cron("*/20 1 * * *", "America/New_York");
    let expected = ["01 01:00:00 -04:00", "01 01:20:00 -04:00", "01 01:40:00 -04:00", "02 01:00:00 -05:00"];
    assert_eq!(locals(&night, "2026-11-01T04:59:00Z", 4), expected);
    let hourly = cron("0 * * * *", "America/New_York");
    let expected = ["01 01:00:00 -04:00", "01 01:00:00 -05:00", "01 02:00:00 -05:00"];
    assert_eq!(locals(&hourly, "2026-11-01T04:30:00Z", 3), expected, "each hour that passes");
}

#[test]
fn half_an_hour_on_lord_howe() {
    // 2026-10-04, 02:00 is 02:30; 2026-04-05, 02:00 is 01:30 again.
    let daily = cron("15 2 * * *", "Australia/Lord_Howe");
    assert_eq!(locals(&daily, "2026-10-03T12:00:00Z", 2), ["04 02:30:00 +11:00", "05 02:15:00 +11:00"]);
    let half = cron("30 2 * * *", "Australia/Lord_Howe");
    assert_eq!(locals(&half, "2026-10-03T12:00:00Z", 2), ["04 02:30:00 +11:00", "05 02:30:00 +11:00"]);
    let back = cron("45 1 * * *", "Australia/Lord_Howe");
    assert_eq!(locals(&back, "2026-04-04T12:00:00Z", 2), ["05 01:45:00 +11:00", "06 01:45:00 +10:30"]);
    let hourly = cron("0 * * * *", "Australia/Lord_Howe");
    assert_eq!(
        locals(&hourly, "2026-10-03T14:00:00Z", 3),
        ["04 01:00:00 +10:30", "04 02:30:00 +11:00", "04 03:00:00 +11:00"],
        "the hour that is left out counts behind the gap"
    );
    assert_eq!(
        locals(&hourly, "2026-04-04T13:30:00Z", 3),
        ["05 01:00:00 +11:00", "05 02:00:00 +10:30", "05 03:00:00 +10:30"]
    );
    let quarterly = cron("*/15 * * * *", "Australia/Lord_Howe");
    assert_eq!(
        locals(&quarterly, "2026-04-04T14:40:00Z", 4),
        ["05 01:45:00 +11:00", "05 01:30:00 +10:30", "05 01:45:00 +10:30", "05 02:00:00 +10:30"]
    );
}

#[test]
fn midnight_is_missing_in_santiago() {
    // 2026-09-06, 00:00 is 01:00; 2026-04-05, 00:00 is 23:00 of the day before again.
    let midnight = cron("0 0 * * *", "America/Santiago");
    assert_eq!(locals(&midnight, "2026-09-05T12:00:00Z", 2), ["06 01:00:00 -03:00", "07 00:00:00 -03:00"]);
    assert_eq!(
        locals(&midnight, "2026-04-04T00:00:00Z", 3),
        ["04 00:00:00 -03:00", "05 00:00:00 -04:00", "06 00:00:00 -04:00"]
    );
    let late = cron("30 23 * * *", "America/Santiago");
    assert_eq!(locals(&late, "2026-04-04T12:00:00Z", 2), ["04 23:30:00 -03:00", "05 23:30:00 -04:00"]);
    let sundays = cron("0 0 * * SUN", "America/Santiago");
    assert_eq!(locals(&sundays, "2026-09-05T12:00:00Z", 1), ["06 01:00:00 -03:00"]);
}

#[test]
fn each_instant_comes_once_in_all_zones_all_year() {
    for zone in ZONES {
        for year_number in [2026, 2027] {
            let days: usize = 365;
            assert_eq!(year(&cron("0 0 * * *", zone), year_number).len(), days, "{zone} at midnight");
            assert_eq!(year(&cron("30 2 * * *", zone), year_number).len(), days, "{zone} at 02:30");
            assert_eq!(year(&cron("30 1 * * *", zone), year_number).len(), days, "{zone} at 01:30");
            let hours = year(&cron("0 * * * *", zone), year_number).len();
            assert!((days * 24 - 1..=days * 24 + 1).contains(&hours), "{zone} hourly: {hours}");
        }
    }
}

fn each_minute(zone: &str) {
    let minutes = year(&cron("* * * * *", zone), 2026);
    assert_eq!(minutes.len(), 365 * 24 * 60, "{zone}");
    assert!(minutes.windows(2).all(|pair| pair[1].ms_since(pair[0]) == 60_000), "{zone}");
}

// One test for each zone, so that they run side by side.
#[test]
fn each_minute_of_a_year_comes_once_in_new_york() {
    each_minute("America/New_York");
}

#[test]
fn each_minute_of_a_year_comes_once_on_lord_howe() {
    each_minute("Australia/Lord_Howe");
}

#[test]
fn each_minute_of_a_year_comes_once_in_santiago() {
    each_minute("America/Santiago");
}

#[test]
fn each_minute_of_a_year_comes_once_in_kathmandu() {
    each_minute("Asia/Kathmandu");
}

#[test]
fn the_fields_match_the_local_time() {
    let kathmandu = cron("15 9 * * MON-FRI", "Asia/Kathmandu");
    for instant in year(&kathmandu, 2026) {
        let local = "Asia/Kathmandu".parse::<Tz>().expect("a zone").timestamp_opt(instant.as_secs(), 0).unwrap();
        assert_eq!((local.hour(), local.minute()), (9, 15));
    }
    assert_eq!(locals(&kathmandu, "2026-03-06T00:00:00Z", 2), ["06 09:15:00 +05:45", "09 09:15:00 +05:45"]);
    let either = cron("0 0 13 * FRI", "UTC");
    assert_eq!(locals(&either, "2026-03-10T00:00:00Z", 2), ["13 00:00:00 +00:00", "20 00:00:00 +00:00"]);
    assert_eq!(
        locals(&cron("*/10 * * * * *", "UTC"), "2026-03-10T00:00:05Z", 2),
        ["10 00:00:10 +00:00", "10 00:00:20 +00:00"]
    );
    assert_eq!(locals(&cron("@daily", "UTC"), "2026-03-10T00:00:05Z", 1), ["11 00:00:00 +00:00"]);
    assert_eq!(locals(&cron("0 0 29 2 *", "UTC"), "2026-03-10T00:00:00Z", 1), ["29 00:00:00 +00:00"]);
}

#[test]
fn asking_anywhere_gives_the_first_instant_after() {
    let mut dice = Dice(5);
    for zone in ZONES {
        for text in ["30 2 * * *", "0 * * * *", "*/7 1-2 * * *", "0 0 * * 0"] {
            let schedule = cron(text, zone);
            let instants = year(&schedule, 2026);
            for _ in 0..200 {
                let after =
                    at("2026-01-01T00:00:00Z").plus_ms(i64::try_from(dice.below(360 * 86_400_000)).expect("small"));
                let expected = instants.iter().find(|at| **at > after).copied();
                assert_eq!(next_after(&schedule, after, Spread::None), expected, "{text} {zone} after {after}");
            }
        }
    }
}

#[test]
fn impossible_schedules_are_refused_by_name() {
    let table = [
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6 *", "never comes"),
        ("* * * *", "must have five fields"),
        ("61 * * * *", "must have five fields"),
        ("0 0 1 13 *", "must have five fields"),
        ("", "must have five fields"),
        ("every minute", "must have five fields"),
        ("0 0 0 1 1 * 2030", "must have five fields"),
        ("* * * * * *", "comes after 1 s already; the shortest permitted interval is 5 s"),
        ("0,59 * * * * *", "comes after 1 s already"),
        ("*/7 * * * * *", "comes after 4 s already"),
    ];
    for (text, expected) in table {
        let invalid = validate("poll.schedule.cron", &cron(text, "UTC"), 5).expect_err(text);
        assert_eq!(invalid.field, "poll.schedule.cron");
        assert!(invalid.detail.contains(expected), "{text}: {invalid}");
    }
    for fine in ["* * * * *", "*/5 * * * * *", "0 0 29 2 *", "@hourly", "0 0 L * *", "0 12 * * MON#1"] {
        assert_eq!(validate("poll.schedule.cron", &cron(fine, "Europe/Berlin"), 5), Ok(()), "{fine}");
    }
    assert!(next_after(&cron("0 0 30 2 *", "UTC"), at("2026-01-01T00:00:00Z"), Spread::None).is_none());
}

#[test]
fn an_interval_is_spread_by_phase_and_jitter() {
    let plain = upcoming(&interval(60, 10), at("2026-03-01T00:00:30Z"), Spread::None, 3);
    assert_eq!(plain, [at("2026-03-01T00:01:00Z"), at("2026-03-01T00:02:00Z"), at("2026-03-01T00:03:00Z")]);
    let mut phases = HashSet::new();
    for source in 0..200 {
        let spread = Spread::By(first_bytes(&u64::to_be_bytes(source)));
        let instants = upcoming(&interval(600, 0), at("2026-03-01T00:00:00Z"), spread, 5);
        assert!(instants.windows(2).all(|pair| pair[1].ms_since(pair[0]) == 600_000), "without jitter it is exact");
        phases.insert(instants[0].as_millis() % 600_000);
        let jittered = upcoming(&interval(600, 10), at("2026-03-01T00:00:00Z"), spread, 50);
        for pair in jittered.windows(2) {
            assert!((540_000..=660_000).contains(&pair[1].ms_since(pair[0])), "{pair:?}");
        }
    }
    assert!(phases.len() > 190 && phases.iter().all(|phase| *phase < 60_000), "{}", phases.len());
}

#[test]
fn intervals_rise_strictly_and_are_the_same_for_all_who_ask() {
    let mut dice = Dice(3);
    for _ in 0..300 {
        let schedule = interval(
            u32::try_from(1 + dice.below(100_000)).expect("small"),
            u8::try_from(dice.below(51)).expect("small"),
        );
        let spread = Spread::By(dice.below(u64::MAX));
        let instants = upcoming(&schedule, at("2026-03-01T00:00:00Z"), spread, 20);
        assert!(instants.windows(2).all(|pair| pair[0] < pair[1]));
        for pair in instants.windows(2) {
            let between = pair[0].plus_ms(
                i64::try_from(dice.below(u64::try_from(pair[1].ms_since(pair[0])).expect("rising"))).expect("small"),
            );
            assert_eq!(next_after(&schedule, between, spread), Some(pair[1]));
        }
    }
    assert_eq!(next_after(&interval(60, 0), Timestamp::MAX, Spread::None), None);
    assert!(
        next_after(&interval(60, 0), Timestamp::from_micros(i64::MIN), Spread::None)
            .is_some_and(|at| at < Timestamp::from_secs(0))
    );
}

#[test]
fn what_went_by_is_made_up_for_as_asked() {
    let hourly = interval(3_600, 0);
    let due_at = at("2026-03-01T01:00:00Z");
    let look = |now: &str, misfire| due(&hourly, due_at, at(now), Spread::None, misfire);
    for misfire in [Misfire::Skip, Misfire::Once, Misfire::All] {
        let on_time = look("2026-03-01T01:00:59Z", misfire);
        assert_eq!(
            (on_time.instants, on_time.left_out),
            (vec![due_at], false),
            "a late one within the grace: {misfire:?}"
        );
        let early = look("2026-03-01T00:59:59Z", misfire);
        assert_eq!((early.instants, early.next), (vec![], Some(due_at)));
    }
    let late = "2026-03-01T04:30:00Z";
    let hours = |list: &[u32]| list.iter().map(|hour| at(&format!("2026-03-01T0{hour}:00:00Z"))).collect::<Vec<_>>();
    let skip = look(late, Misfire::Skip);
    assert_eq!((skip.instants, skip.left_out, skip.next), (vec![], true, Some(at("2026-03-01T05:00:00Z"))));
    assert_eq!(look(late, Misfire::Once).instants, hours(&[4]));
    let all = look(late, Misfire::All);
    assert_eq!((all.instants, all.left_out), (hours(&[1, 2, 3, 4]), false));
    assert_eq!(look("2026-03-01T04:00:30Z", Misfire::Once).instants, hours(&[3, 4]), "one missed, one in time");
}

#[test]
fn a_long_silence_is_made_up_for_within_bounds() {
    let minutely = cron("* * * * *", "America/New_York");
    let (due_at, now) = (at("2025-03-01T00:00:00Z"), at("2026-03-01T00:00:30Z"));
    let all = due(&minutely, due_at, now, Spread::None, Misfire::All);
    assert_eq!((all.instants.len(), all.left_out), (MAX_CATCH_UP, true));
    assert_eq!(all.instants.last(), Some(&at("2026-03-01T00:00:00Z")));
    let yearly = cron("0 0 1 1 *", "UTC");
    let few = due(&yearly, at("2020-01-01T00:00:00Z"), now, Spread::None, Misfire::All);
    assert_eq!((few.instants.len(), few.left_out), (7, false));
}
