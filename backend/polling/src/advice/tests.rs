use super::*;
use postern_domain::Timestamp;

fn enough() -> Inputs {
    Inputs {
        days: 14,
        events: 1_000,
        runs: 10_000,
        requests: 10_000,
        changes: 2_000,
        interval_s: Some(60),
        webhooks_offered: Offered::Yes,
        ..Inputs::default()
    }
}

#[test]
fn wilson_gives_the_published_intervals() {
    // Newcombe 1998, table I: method 3.
    let table = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)];
    for (lost, n, low, high) in table {
        let found = wilson(lost, n);
        assert!((found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5, "{lost}/{n}: {found:?}");
    }
    assert_eq!(wilson(0, 0), (0.0, 1.0));
    assert!(wilson(9, 5).1 <= 1.0);
}

#[test]
fn every_fiftieth_lost_lies_within_its_interval() {
    for n in [100, 500, 5_000, 50_000_u64] {
        let loss = Loss::of(n / 50, n - n / 50).expect("compared");
        assert!(loss.low < 0.02 && 0.02 < loss.high && loss.n == n, "{loss:?}");
    }
    assert_eq!(Loss::of(0, 0), None);
}

#[test]
fn what_was_late_is_told_apart_from_what_never_came() {
    let loss = Loss::of(8, 392).expect("compared").with_late(8, 2);
    assert_eq!((loss.rate, loss.late, loss.rate_without_late), (0.02, 2, 0.015));
    let all = Loss::of(8, 392).expect("compared").with_late(8, 90);
    assert_eq!((all.late, all.rate_without_late), (8, 0.0), "no more than were lost");
}

#[test]
fn alarms_need_numbers() {
    let now = Timestamp::from_secs(1_000_000);
    let rings = |lost, confirmed| alarm(Loss::of(lost, confirmed).as_ref(), None, now);
    assert_eq!(rings(2, 98), Some(Alarm::Loss));
    assert_eq!(rings(2, 97), None, "99 are too few");
    assert_eq!(rings(1, 99), None, "1 % is not above 1 %");
    let silence = |minutes: i64, usual_gap_ms, poll_sees_changes| Silence {
        last_webhook_at: now.plus_secs(-60 * minutes),
        usual_gap_ms,
        poll_sees_changes,
    };
    assert_eq!(alarm(None, Some(&silence(31, 1_000, true)), now), Some(Alarm::Silent));
    assert_eq!(alarm(None, Some(&silence(30, 1_000, true)), now), None);
    assert_eq!(alarm(None, Some(&silence(59, 600_000, true)), now), None, "six usual gaps");
    assert_eq!(alarm(None, Some(&silence(6_000, 1_000, false)), now), None, "silence alone says nothing");
}

#[test]
fn buckets_are_quarters_of_doublings() {
    let table = [(-5, 0), (0, 0), (1, 0), (2, 4), (3, 6), (4, 8), (1_000, 39), (1_024, 40), (60_000, 63)];
    for (lag_ms, expected) in table {
        assert_eq!(bucket(lag_ms), expected, "{lag_ms} ms");
    }
    for exponent in 0..40 {
        assert_eq!(bucket(1 << exponent), exponent * 4, "2^{exponent}");
    }
    let mut last = 0;
    for lag_ms in (0..2_000_000).step_by(37) {
        let found = bucket(lag_ms);
        assert!(found >= last);
        last = found;
        let ratio = bucket_ms(found) as f64 / lag_ms.max(1) as f64;
        assert!(lag_ms < 20 || (0.89..1.13).contains(&ratio), "{lag_ms}: {ratio}");
    }
    assert!(bucket(i64::MAX) < 300);
}

#[test]
fn percentiles_are_those_of_the_counts() {
    let counts: Vec<(i16, u64)> = (1..=100).map(|lag_ms| (bucket(lag_ms * 1_000), 1)).rev().collect();
    for (percent, expected) in [(0, 1_000.0), (50, 50_000.0), (95, 95_000.0), (100, 100_000.0)] {
        let found = percentile_ms(&counts, percent).expect("counted") as f64;
        assert!((found / expected - 1.0).abs() < 0.13, "{percent} %: {found}");
    }
    assert_eq!(percentile_ms(&[], 50), None);
    assert_eq!(percentile_ms(&[(3, 0)], 50), None);
    assert_eq!(Lag::of(&[(40, 10), (40, 5)]).map(|lag| lag.n), Some(15));
}

#[test]
fn little_data_is_called_that() {
    for (days, events) in [(6, 1_000), (7, 99), (0, 0)] {
        let advice = advise(&Inputs { days, events, ..enough() });
        assert_eq!((advice.recommendation, advice.enough_data), (Recommendation::NotEnoughData, false));
        assert!(advice.reasons[0].contains(&format!("{events} events in {days} days")), "{:?}", advice.reasons);
        assert_eq!(advice.sample, Sample { days, events, runs: 10_000 });
        assert!(!advice.alternatives.is_empty());
    }
    assert!(advise(&Inputs { days: 7, events: 100, ..enough() }).enough_data);
}

#[test]
fn each_rule_decides_and_says_why() {
    use Recommendation::{Infeasible, Poll, Webhook, WebhookAndPoll};
    let table = [
        ("no webhooks", Inputs { webhooks_offered: Offered::No, ..enough() }, Poll, "offers no webhooks"),
        ("locked", Inputs { webhooks_offered: Offered::PlanLocked, changes: 0, ..enough() }, Poll, "another plan"),
        ("busy", Inputs { changes: 6_000, ..enough() }, Poll, "as cheap as webhooks"),
        (
            "busy but late",
            Inputs { changes: 6_000, freshness_s: Some(10), ..enough() },
            WebhookAndPoll,
            "may be 10 s late; the interval is 60 s",
        ),
        (
            "idle",
            Inputs { changes: 400, empty_runs: 9_700, ..enough() },
            WebhookAndPoll,
            "97 % of the runs are for nothing",
        ),
        (
            "lossy",
            Inputs { lost: 20, confirmed: 980, changes: 6_000, ..enough() },
            WebhookAndPoll,
            "lost 2.00 % of 1000",
        ),
        (
            "late",
            Inputs { lost: 20, confirmed: 980, late: 15, changes: 6_000, ..enough() },
            WebhookAndPoll,
            "; 15 of them came late.",
        ),
        ("forgetful", Inputs { retention_s: Some(86_400), ..enough() }, WebhookAndPoll, "24 hours"),
        ("dear", Inputs { limit_per_hour: Some(100), ..enough() }, WebhookAndPoll, "60 % of the provider's limit"),
        (
            "too large",
            Inputs {
                webhooks_offered: Offered::No,
                whole_list_objects: Some(20_000),
                freshness_s: Some(600),
                ..enough()
            },
            Infeasible,
            "all 20000 objects",
        ),
        ("quiet poll", enough(), Poll, "Nothing measured speaks against polling"),
        ("good webhook", Inputs { method: Method::Webhook, ..enough() }, Webhook, "what they lose is not measured"),
        (
            "proven webhook",
            Inputs { method: Method::WebhookAndPoll, lost: 0, confirmed: 900, ..enough() },
            WebhookAndPoll,
            "the poll proves it",
        ),
    ];
    for (name, inputs, expected, reason) in table {
        let advice = advise(&inputs);
        assert_eq!(advice.recommendation, expected, "{name}: {:?}", advice.reasons);
        assert!(advice.reasons.iter().any(|text| text.contains(reason)), "{name}: {:?}", advice.reasons);
    }
}

#[test]
fn the_other_method_is_reckoned() {
    let inputs = Inputs {
        not_modified: 5_000,
        not_modified_is_free: Some(true),
        run_ms: Some(400),
        webhook_requests: 1_500,
        webhook_events: 1_000,
        ..enough()
    };
    let advice = advise(&inputs);
    let by = |method| advice.alternatives.iter().find(|one| one.method == method).expect("listed");
    assert_eq!((by(Method::Poll).requests_per_day, by(Method::Poll).lag_ms), (720, Some(30_400)));
    assert_eq!(by(Method::Webhook).requests_per_day, 108, "1000 events in 14 days, each sent one and a half times");
    assert_eq!(by(Method::WebhookAndPoll).requests_per_day, 156);
    // A webhook that came late is the first of its event, though a duplicate here.
    let late = advise(&Inputs { webhook_requests: 1_600, late: 100, webhook_events: 900, ..inputs.clone() });
    let repeated = late.alternatives.iter().find(|one| one.method == Method::Webhook).expect("listed");
    assert_eq!(repeated.requests_per_day, 115);
    let without = advise(&Inputs { webhooks_offered: Offered::No, ..inputs });
    assert_eq!(without.alternatives.len(), 1);
}

#[test]
fn four_questions_lead_to_a_first_choice() {
    let ask = |questions: Questions| first_choice(&questions);
    let webhooks = ask(Questions { offers_webhooks: Offered::Yes, freshness_s: Some(5), ..Questions::default() });
    assert_eq!((webhooks.recommendation, webhooks.enough_data), (Recommendation::WebhookAndPoll, false));
    let none = Questions { offers_webhooks: Offered::No, freshness_s: Some(300), ..Questions::default() };
    assert_eq!(ask(none).recommendation, Recommendation::Poll);
    let tight = ask(Questions { limit_per_hour: Some(10), ..none });
    assert_eq!(tight.recommendation, Recommendation::Infeasible);
    assert!(tight.reasons[0].contains("nothing fresher than 720 s"), "{:?}", tight.reasons);
    let whole = ask(Questions { objects: Some(50_000), lists_all_only: true, ..none });
    assert_eq!(whole.recommendation, Recommendation::Infeasible);
    let paged = ask(Questions { objects: Some(1_000), lists_all_only: true, limit_per_hour: Some(1_000), ..none });
    assert_eq!(paged.recommendation, Recommendation::Poll, "{:?}", paged.reasons);
    assert!(
        paged.reasons.iter().any(|reason| reason.contains("a run of 10 requests every 72 s")),
        "{:?}",
        paged.reasons
    );
    let nothing = ask(Questions { limit_per_hour: Some(0), ..none });
    assert_eq!(nothing.recommendation, Recommendation::Infeasible);
    assert_eq!(ask(Questions::default()).recommendation, Recommendation::Poll);
}

#[test]
fn advice_is_shown_with_what_it_rests_on() {
    let shown = serde_json::to_value(advise(&Inputs { lost: 1, confirmed: 199, ..enough() })).expect("JSON");
    assert_eq!(shown["recommendation"], "webhook_and_poll");
    assert_eq!((&shown["loss"]["n"], &shown["sample"]["events"]), (&200.into(), &1_000.into()));
    assert_eq!(shown["inputs"]["interval_s"], 60);
    assert_eq!(shown["lag"]["webhook"], serde_json::Value::Null);
}
