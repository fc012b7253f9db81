//! What a tenant reads of what happened, on both databases.

use std::collections::BTreeSet;

use postern_domain::{
    DeliveryId, DestinationId, EventId, SourceId, Timestamp,
    delivery::{DeliveryState, EventOutcome},
    event_type::Pattern,
    id::first_uuid_at,
};
use postern_store::{
    TenantStore,
    read::{DeliveryFilter, EventFilter, ListError, RequestFilter, RequestOutcome, SCAN, Search, Window},
};

use crate::{harness::each, seed};

async fn all_events(store: &TenantStore, filter: &EventFilter, limit: usize) -> Vec<EventId> {
    let (mut found, mut window) = (Vec::new(), Window::newest(limit));
    loop {
        let page = store.list_events(filter, &window).await.expect("a page");
        assert!(page.rows.len() <= limit);
        found.extend(page.rows.iter().map(|event| event.id));
        match page.next {
            Some(next) => window.after = Some(next),
            None => return found,
        }
    }
}

fn by_outcome(outcome: EventOutcome) -> EventFilter {
    EventFilter { outcome: Some(outcome), ..EventFilter::default() }
}

#[tokio::test]
async fn what_another_tenant_has_is_answered_like_what_nobody_has() {
    each(async |db| {
        let (a, b) = (seed::owner(&db).await, seed::owner(&db).await);
        let event = seed::event(&db, &a, "payment.received").await;
        let done = seed::delivery(&db, &a, event, ("dead", 1)).await;
        let waiting = seed::delivery(&db, &a, event, ("pending", 1)).await;
        seed::attempt(&db, &a, done, (1, b"no")).await;
        seed::request(&db, &a, "refused").await;
        seed::bin_request(&db, &a, event, b"{}").await;
        let store = b.store();
        assert!(store.find_event(event).await.expect("answers").is_none());
        assert!(store.find_payload(event).await.expect("answers").is_none());
        for delivery in [done, waiting] {
            assert!(store.find_delivery(delivery).await.expect("answers").is_none());
        }
        assert!(all_events(&store, &EventFilter::default(), 5).await.is_empty());
        for outcome in EventOutcome::ALL {
            assert!(all_events(&store, &by_outcome(outcome), 5).await.is_empty());
        }
        for text in [event.to_string(), done.to_string(), waiting.to_string(), "key-1".to_owned(), "payment".to_owned()]
        {
            let filter = EventFilter { search: Some(Search::parse(&text)), ..EventFilter::default() };
            assert!(all_events(&store, &filter, 5).await.is_empty(), "{text}");
        }
        let window = Window::newest(5);
        for filter in [DeliveryFilter::default(), DeliveryFilter { event: Some(event), ..DeliveryFilter::default() }] {
            assert!(store.list_deliveries(filter, &window).await.expect("a page").rows.is_empty());
        }
        assert!(store.list_requests(RequestFilter::default(), &window).await.expect("a page").rows.is_empty());
        assert_unknown(&store, a.source, a.destination).await;
        assert_unknown(&store, SourceId::fresh(), DestinationId::fresh()).await;
        db
    })
    .await;
}

async fn assert_unknown(store: &TenantStore, source: SourceId, destination: DestinationId) {
    let window = Window::newest(5);
    let events = EventFilter { source: Some(source), ..EventFilter::default() };
    assert!(matches!(store.list_events(&events, &window).await, Err(ListError::UnknownSource)));
    let requests = RequestFilter { source: Some(source), ..RequestFilter::default() };
    assert!(matches!(store.list_requests(requests, &window).await, Err(ListError::UnknownSource)));
    let deliveries = DeliveryFilter { source: Some(source), ..DeliveryFilter::default() };
    assert!(matches!(store.list_deliveries(deliveries, &window).await, Err(ListError::UnknownSource)));
    let deliveries = DeliveryFilter { destination: Some(destination), ..DeliveryFilter::default() };
    assert!(matches!(store.list_deliveries(deliveries, &window).await, Err(ListError::UnknownDestination)));
    assert!(store.list_bin_requests(destination, &window).await.expect("answers").is_none());
}

#[tokio::test]
async fn pages_walk_every_row_once_while_others_arrive() {
    const STATES: [&str; 5] = ["pending", "delivered", "leased", "dead", "cancelled"];
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let (mut events, mut deliveries, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for state in STATES.into_iter().cycle().take(23) {
            let event = seed::event(&db, &owner, "a.b").await;
            events.push(event);
            deliveries.push(seed::delivery(&db, &owner, event, (state, 1)).await);
            requests.push(seed::request(&db, &owner, "refused").await);
        }
        let mut window = Window::newest(4);
        let mut seen: (Vec<EventId>, Vec<DeliveryId>, Vec<_>) = Default::default();
        loop {
            let page = store.list_events(&EventFilter::default(), &window).await.expect("a page");
            seen.0.extend(page.rows.iter().map(|event| event.id));
            let late = seed::event(&db, &owner, "a.b").await;
            seed::delivery(&db, &owner, late, ("pending", 0)).await;
            seed::request(&db, &owner, "refused").await;
            let Some(next) = page.next else { break };
            window.after = Some(next);
        }
        // The others begin below what has arrived by now.
        window.after = Some(first_uuid_at(Timestamp::MAX));
        let mut limits = [1, 3, 7].into_iter().cycle();
        loop {
            window.limit = limits.next().expect("endless");
            let page = store.list_deliveries(DeliveryFilter::default(), &window).await.expect("a page");
            assert!(page.rows.len() == window.limit || page.next.is_none());
            seen.1.extend(page.rows.iter().map(|delivery| delivery.id));
            seed::delivery(&db, &owner, events[0], ("dead", 0)).await;
            let Some(next) = page.next else { break };
            window.after = Some(next);
        }
        window = Window::newest(6);
        loop {
            let page = store.list_requests(RequestFilter::default(), &window).await.expect("a page");
            seen.2.extend(page.rows.iter().map(|request| request.id));
            seed::request(&db, &owner, "duplicate").await;
            let Some(next) = page.next else { break };
            window.after = Some(next);
        }
        fn newest_first<T: Ord + Copy>(mut ids: Vec<T>) -> Vec<T> {
            ids.reverse();
            ids
        }
        assert_eq!(seen.0, newest_first(events));
        assert!(seen.1.ends_with(&newest_first(deliveries)) && seen.1.is_sorted_by(|a, b| a > b));
        assert!(seen.2.ends_with(&newest_first(requests)) && seen.2.is_sorted_by(|a, b| a > b));
        db
    })
    .await;
}

#[tokio::test]
async fn the_outcome_of_an_event_is_shown_and_can_be_asked_for() {
    let cases: [(EventOutcome, &[(&str, i32)]); 9] = [
        (EventOutcome::Unrouted, &[]),
        (EventOutcome::Queued, &[("pending", 0), ("delivered", 1)]),
        (EventOutcome::Queued, &[("leased", 0)]),
        (EventOutcome::Retrying, &[("pending", 2), ("dead", 1)]),
        (EventOutcome::Delivered, &[("delivered", 1), ("delivered", 2)]),
        (EventOutcome::Partly, &[("delivered", 1), ("dead", 1), ("dead", 3)]),
        (EventOutcome::Dead, &[("dead", 1), ("dead", 3), ("cancelled", 0)]),
        (EventOutcome::Cancelled, &[("cancelled", 0)]),
        (EventOutcome::Filtered, &[]),
    ];
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let mut expected = Vec::new();
        for (outcome, deliveries) in cases.iter().cycle().take(3 * cases.len()) {
            let event = seed::event(&db, &owner, "a").await;
            if *outcome == EventOutcome::Filtered {
                db.sql(&format!("UPDATE events SET filtered = 2 WHERE id = {}", db.literal(event.uuid()))).await;
            }
            for delivery in *deliveries {
                seed::delivery(&db, &owner, event, *delivery).await;
            }
            expected.push((event, *outcome));
        }
        let page = store.list_events(&EventFilter::default(), &Window::newest(100)).await.expect("a page");
        let shown: BTreeSet<_> = page.rows.iter().map(|event| (event.id, event.outcome.as_str())).collect();
        assert_eq!(shown, expected.iter().map(|(event, outcome)| (*event, outcome.as_str())).collect());
        for outcome in EventOutcome::ALL {
            let mut wanted: Vec<EventId> =
                expected.iter().filter(|(_, found)| *found == outcome).map(|(event, _)| *event).collect();
            wanted.reverse();
            assert_eq!(all_events(&store, &by_outcome(outcome), 2).await, wanted, "{outcome:?}");
        }
        for (event, outcome) in expected {
            let detail = store.find_event(event).await.expect("answers").expect("is there");
            assert_eq!(detail.event.outcome, outcome);
        }
        db
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_held_while_its_connection_or_destination_is() {
    let changes = [
        "UPDATE connections SET state = 'paused' WHERE tenant_id",
        "UPDATE destinations SET state = 'paused' WHERE tenant_id",
        "UPDATE destinations SET state = 'held' WHERE tenant_id",
        "UPDATE connections SET deleted_at = 1 WHERE tenant_id",
        "UPDATE destinations SET deleted_at = 1 WHERE tenant_id",
    ];
    each(async |db| {
        for change in changes {
            let owner = seed::owner(&db).await;
            let store = owner.store();
            let event = seed::event(&db, &owner, "a").await;
            let waiting = seed::delivery(&db, &owner, event, ("pending", 0)).await;
            let leased = seed::delivery(&db, &owner, event, ("leased", 0)).await;
            db.sql(&format!("{change} = {}", owner.literal(&db))).await;
            assert_eq!(all_events(&store, &by_outcome(EventOutcome::Held), 5).await, [event], "{change}");
            let of = |state| DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
            let held = of(DeliveryState::Held);
            let page = store.list_deliveries(held, &Window::newest(5)).await.expect("a page");
            assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [waiting]);
            let page = store.list_deliveries(of(DeliveryState::Leased), &Window::newest(5)).await;
            assert_eq!(page.expect("a page").rows.iter().map(|row| row.id).collect::<Vec<_>>(), [leased]);
        }
        db
    })
    .await;
}

#[tokio::test]
async fn filters_and_searches_find_what_they_name() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let paid = seed::event(&db, &owner, "payment.received").await;
        let other = seed::event(&db, &owner, "Refund.Created").await;
        let delivery = seed::delivery(&db, &owner, paid, ("delivered", 1)).await;
        db.sql(&format!("UPDATE events SET dedup_key = 'key-2' WHERE id = {}", db.literal(other.uuid()))).await;
        let hash = seed::bytes(&db, &postern_seal::token::sha256("key-1")[..16]);
        let (source, event) = (db.literal(owner.source.uuid()), db.literal(paid.uuid()));
        db.sql(&format!(
            "INSERT INTO dedup_keys (source_id, key_hash, event_id, body_hash, expires_at) \
             VALUES ({source}, {hash}, {event}, {hash}, 1)"
        ))
        .await;
        for (text, expected) in [
            (paid.to_string(), vec![paid]),
            (delivery.to_string(), vec![paid]),
            ("key-1".to_owned(), vec![paid]),
            ("key-2".to_owned(), vec![other]),
            ("refund.".to_owned(), vec![other]),
            ("re".to_owned(), vec![other, paid]),
            (" ".to_owned(), vec![other, paid]),
            ("key".to_owned(), vec![]),
            ("a\0%_' ".to_owned(), vec![]),
            (EventId::fresh().to_string(), vec![]),
        ] {
            let filter = EventFilter { search: Some(Search::parse(&text)), ..EventFilter::default() };
            assert_eq!(all_events(&store, &filter, 5).await, expected, "{text}");
        }
        for (pattern, expected) in [("payment.*", vec![paid]), ("payment", vec![]), ("*", vec![other, paid])] {
            let event_type = Some(Pattern::parse(pattern).expect("a pattern"));
            let filter = EventFilter { event_type, source: Some(owner.source), ..EventFilter::default() };
            assert_eq!(all_events(&store, &filter, 5).await, expected, "{pattern}");
        }
        let duplicate = seed::request(&db, &owner, "duplicate").await;
        seed::request(&db, &owner, "refused").await;
        let filter = RequestFilter { outcome: Some(RequestOutcome::Duplicate), source: Some(owner.source) };
        let page = store.list_requests(filter, &Window::newest(5)).await.expect("a page");
        assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [duplicate]);
        db
    })
    .await;
}

#[tokio::test]
async fn a_list_can_be_bounded_in_time() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let now = db.clock.now();
        let mut events = Vec::new();
        for days in 0..4 {
            events.push(EventId::from_uuid(first_uuid_at(now.plus_secs(-days * 86_400))));
        }
        seed::put_events(&db, &owner, &events, "a").await;
        let (from, to) = (Some(now.plus_secs(-2 * 86_400)), Some(now));
        for filter in [EventFilter::default(), by_outcome(EventOutcome::Unrouted)] {
            let page = store.list_events(&filter, &Window { from, to, ..Window::newest(9) }).await.expect("a page");
            assert_eq!(page.rows.iter().map(|event| event.id).collect::<Vec<_>>(), events[1..3]);
        }
        db
    })
    .await;
}

#[tokio::test]
async fn a_search_stops_after_so_many_rows_and_can_be_gone_on_with() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let rare = seed::event(&db, &owner, "rare").await;
        seed::delivery(&db, &owner, rare, ("delivered", 1)).await;
        let many: Vec<EventId> = (0..SCAN + 10).map(|_| EventId::fresh()).collect();
        seed::put_events(&db, &owner, &many, "frequent").await;
        let filter = by_outcome(EventOutcome::Delivered);
        let store = owner.store();
        let first = store.list_events(&filter, &Window::newest(5)).await.expect("a page");
        assert!(first.rows.is_empty() && first.next.is_some());
        assert_eq!(all_events(&store, &filter, 5).await, [rare]);
        db
    })
    .await;
}

#[tokio::test]
async fn a_rare_event_is_found_in_one_look_through_thousands() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let rare = seed::event(&db, &owner, "Rare_%!.one").await;
        let many: Vec<EventId> = (0..SCAN + 10).map(|_| EventId::fresh()).collect();
        seed::put_events(&db, &owner, &many, "rarely.two").await;
        db.sql("UPDATE events SET filtered = 1 WHERE type = 'rarely.two'").await;
        let typed = |text: &str| EventFilter {
            event_type: Some(Pattern::parse(text).expect("a pattern")),
            ..EventFilter::default()
        };
        let sought = |text: &str| EventFilter { search: Some(Search::parse(text)), ..EventFilter::default() };
        for filter in [
            typed("Rare_%!.one"),
            typed("Rare_%!.*"),
            sought("are_%!.O"),
            by_outcome(EventOutcome::Unrouted),
            EventFilter { source: Some(owner.source), ..typed("Rare_%!.one") },
        ] {
            let page = store.list_events(&filter, &Window::newest(5)).await.expect("a page");
            let found: Vec<EventId> = page.rows.iter().map(|event| event.id).collect();
            assert_eq!((found, page.next), (vec![rare], None), "{filter:?}");
        }
        for nobodys in [typed("rare_%!.one"), typed("Rare_x!.*"), sought("Rare_x")] {
            let page = store.list_events(&nobodys, &Window::newest(5)).await.expect("a page");
            assert!(page.rows.is_empty() && page.next.is_none(), "{nobodys:?}");
        }
        let all = all_events(&store, &typed("rarely.*"), 700).await;
        assert_eq!(all.len(), many.len());
        db
    })
    .await;
}

#[tokio::test]
async fn types_and_connections_of_another_tenant_are_nobodys() {
    each(async |db| {
        let (a, b) = (seed::owner(&db).await, seed::owner(&db).await);
        let (event, other) = (seed::event(&db, &a, "mine").await, seed::event(&db, &b, "theirs").await);
        let delivery = seed::delivery(&db, &a, event, ("delivered", 3)).await;
        seed::delivery(&db, &b, other, ("delivered", 1)).await;
        let types = a.store().event_types(&[event, other]).await.expect("answers");
        assert_eq!(types, [(event, "mine".to_owned())]);
        let through = |connection| DeliveryFilter { connection: Some(connection), ..DeliveryFilter::default() };
        let window = Window::newest(5);
        let own = a.store().list_deliveries(through(a.connection), &window).await.expect("a page");
        assert_eq!(own.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [delivery]);
        for connection in [b.connection, postern_domain::ConnectionId::fresh()] {
            let page = a.store().list_deliveries(through(connection), &window).await.expect("a page");
            assert!(page.rows.is_empty() && page.next.is_none());
        }
        let listed = a.store().list_events(&EventFilter::default(), &window).await.expect("a page");
        let tally = listed.rows.first().expect("an event").tally;
        assert_eq!((tally.deliveries, tally.delivered, tally.attempts), (1, 1, 3));
        db
    })
    .await;
}

#[tokio::test]
async fn an_event_shows_its_deliveries_and_their_attempts() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        let done = seed::delivery(&db, &owner, event, ("dead", 2)).await;
        let waiting = seed::delivery(&db, &owner, event, ("pending", 1)).await;
        for (delivery, number, body) in [(done, 1, "one"), (waiting, 1, "first"), (done, 2, "two")] {
            seed::attempt(&db, &owner, delivery, (number, body.as_bytes())).await;
        }
        let detail = store.find_event(event).await.expect("answers").expect("is there");
        assert_eq!((detail.headers.as_str(), detail.body_sha256.as_slice()), ("{}", &[7_u8; 32][..]));
        assert_eq!(detail.deliveries.iter().map(|row| row.delivery.id).collect::<Vec<_>>(), [done, waiting]);
        let bodies = |place: usize| -> Vec<(i32, Vec<u8>)> {
            let attempts = detail.deliveries[place].attempts.iter();
            attempts.map(|attempt| (attempt.number, attempt.response_body.clone().expect("a body"))).collect()
        };
        assert_eq!(bodies(0), [(1, b"one".to_vec()), (2, b"two".to_vec())]);
        assert_eq!(bodies(1), [(1, b"first".to_vec())]);
        let attempt = detail.deliveries[0].attempts.first().expect("an attempt");
        assert_eq!((attempt.timings.total_us, attempt.timings.dns_us, attempt.status), (1_500, Some(20), Some(503)));
        assert!(attempt.truncated && attempt.request_headers == "{\"a\":\"b\"}");
        let alone = store.find_delivery(done).await.expect("answers").expect("is there");
        assert_eq!((alone.attempts.len(), alone.body_sha256), (2, Some(vec![7; 32])));
        assert!(alone.delivery.due_at.is_none() && alone.delivery.finished_at.is_some());
        let alone = store.find_delivery(waiting).await.expect("answers").expect("is there");
        assert!(alone.delivery.due_at.is_some() && alone.delivery.finished_at.is_none());
        db
    })
    .await;
}

#[tokio::test]
async fn a_payload_is_its_bytes_until_its_retention_is_over() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        let payload = store.find_payload(event).await.expect("answers").expect("is there");
        assert_eq!(
            (payload.content_type.as_deref(), payload.body.as_deref()),
            (Some("application/json"), Some(&b"{}"[..]))
        );
        db.sql(&format!("DELETE FROM event_bodies WHERE event_id = {}", db.literal(event.uuid()))).await;
        let payload = store.find_payload(event).await.expect("answers").expect("is there");
        assert_eq!(payload.body, None);
        db
    })
    .await;
}

#[tokio::test]
async fn a_bin_shows_what_it_received() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        let small = seed::bin_request(&db, &owner, event, b"{}").await;
        let large = seed::bin_request(&db, &owner, event, &vec![b'x'; 70_000]).await;
        let page =
            store.list_bin_requests(owner.destination, &Window::newest(1)).await.expect("answers").expect("a bin");
        let [row] = page.rows.as_slice() else { panic!("one row") };
        assert_eq!((row.id, row.body.len(), row.body_bytes, row.answered), (large, 65_536, 70_000, 200));
        let page = Window { after: page.next, ..Window::newest(1) };
        let page = store.list_bin_requests(owner.destination, &page).await.expect("answers").expect("a bin");
        assert_eq!((page.rows.first().map(|row| row.id), page.next), (Some(small), None));
        db
    })
    .await;
}
