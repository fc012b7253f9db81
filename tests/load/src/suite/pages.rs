//! How fast pages come when their tenant has a million events: what the server takes, as seen on loopback.
//!
//! The figure is the 95th percentile of the best round: rounds share the machine with whatever else it does. The first
//! read after a start, with nothing in memory, is printed beside it and has no bar.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use postern_domain::Timestamp;

use super::seeding;
use crate::{
    browser::{Browser, older},
    options::{Kind, Options},
    report::{self, Bar, Report},
    seed::DAY_MS,
    stand::{Stand, Tenant},
    tally::quantile_ms,
    world::{self, World},
};

const WAYS: usize = 50;
const EMAIL: &str = "ada%40bench.example";
const PASSWORD: &str = "correct+horse+battery";
const LISTS_MS: f64 = 150.0;
const INSPECTOR_MS: f64 = 50.0;
const OVERVIEW_MS: f64 = 200.0;
/// How long the counts of a month may take until they are up.
const COUNTING: Duration = Duration::from_secs(1_200);
/// Pages that are turned in the search of something rare.
const MOST_TURNED: usize = 1_000;

/// A page: the name of its figure, its path behind the tenant's, and its bar.
struct Wanted {
    name: String,
    path: String,
    most_ms: f64,
}

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let mut stand = Stand::create(options, kind).await?;
    let tenant = stand.tenant("bench")?;
    stand.start().await?;
    let api = stand.api(&tenant)?;
    api.member("ada@bench.example", "correct horse battery").await?;
    let mut routes = Vec::with_capacity(WAYS);
    for _ in 0..WAYS {
        routes.push(api.route(([127, 0, 0, 1], 9).into(), "whsec_bench").await?);
    }
    stand.stop().await?;
    seeding("a month of a tenant", kind);
    let world = world::seed(&stand.database, &tenant.id, &routes, options.events).await?;
    report.figure("activity_counted_s", (count(&mut stand).await?, "s"), Bar::None);
    stand.start().await?;
    let mut browser = Browser::log_in(stand.address()?, EMAIL, PASSWORD).await?;
    let route = routes.get(3).context("no ways")?;
    let ids = (route.source.as_str(), route.destination.as_str(), route.connection.as_str());
    let mut wanted = lists(&world, ids);
    wanted.extend(others(&world, ids));
    deep(&mut browser, &tenant, &mut wanted).await?;
    let mut heaviest = 0;
    for page in &wanted {
        heaviest = heaviest.max(read(options, &mut browser, (&tenant, page), report).await?);
    }
    report.figure("pages_heaviest_html", (heaviest as f64, "bytes"), Bar::None);
    for (name, path) in [("rare_type", "events?type=rare.once"), ("rare_outcome", "events?outcome=unrouted")] {
        let turned = find(&mut browser, &tenant, path).await?;
        report.figure(&format!("pages_turned_to_find_{name}"), (turned as f64, "pages"), Bar::None);
    }
    stand.remove().await
}

/// Starts the server and stops it when everything is counted; answers how long that took.
async fn count(stand: &mut Stand) -> Result<f64> {
    const UNCOUNTED: &str =
        "SELECT COUNT(*) - COUNT(counted_at) + CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END FROM activity_stretches";
    stand.start().await?;
    let begun = Instant::now();
    while stand.database.number(UNCOUNTED).await? > 0 {
        if begun.elapsed() > COUNTING {
            bail!("the counts of the month are not up after {COUNTING:?}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    stand.stop().await?;
    Ok(took)
}

fn page(name: &str, path: impl Into<String>, most_ms: f64) -> Wanted {
    Wanted { name: name.to_owned(), path: path.into(), most_ms }
}

fn lists(world: &World, (source, destination, connection): (&str, &str, &str)) -> Vec<Wanted> {
    let moment = |day: i64| {
        let at = Timestamp::from_micros((world.start_ms + day * DAY_MS) * 1_000).to_string();
        at.get(..19).unwrap_or_default().to_owned()
    };
    let range = format!("from={}&to={}", moment(10), moment(11));
    let all = [
        ("events", "events".to_owned()),
        ("events_by_source", format!("events?source={source}")),
        ("events_by_type", "events?type=thing5.changed".to_owned()),
        ("events_by_types", "events?type=thing5.*".to_owned()),
        ("events_by_rare_type", "events?type=rare.once".to_owned()),
        ("events_by_type_of_none", "events?type=no.such".to_owned()),
        ("events_delivered", "events?outcome=delivered".to_owned()),
        ("events_queued", "events?outcome=queued".to_owned()),
        ("events_retrying", "events?outcome=retrying".to_owned()),
        ("events_held", "events?outcome=held".to_owned()),
        ("events_dead", "events?outcome=dead".to_owned()),
        ("events_partly", "events?outcome=partly".to_owned()),
        ("events_cancelled", "events?outcome=cancelled".to_owned()),
        ("events_filtered", "events?outcome=filtered".to_owned()),
        ("events_unrouted", "events?outcome=unrouted".to_owned()),
        ("events_between", format!("events?{range}")),
        ("events_by_source_and_type", format!("events?source={source}&type=thing5.changed")),
        ("events_dead_of_source_between", format!("events?source={source}&outcome=dead&{range}")),
        ("events_search_event", format!("events?q={}", world.event)),
        ("events_search_delivery", format!("events?q={}", world.delivery)),
        ("events_search_dedup_key", format!("events?q={}", world.dedup_key)),
        ("events_search_type", "events?q=thing5".to_owned()),
        ("events_search_nothing", "events?q=nothing-like-it".to_owned()),
        ("requests", "requests".to_owned()),
        ("requests_refused", "requests?outcome=refused".to_owned()),
        ("requests_duplicate", "requests?outcome=duplicate".to_owned()),
        ("requests_by_source", format!("requests?source={source}")),
        ("requests_between", format!("requests?{range}")),
        ("deliveries", "deliveries".to_owned()),
        ("deliveries_pending", "deliveries?state=pending".to_owned()),
        ("deliveries_leased", "deliveries?state=leased".to_owned()),
        ("deliveries_held", "deliveries?state=held".to_owned()),
        ("deliveries_delivered", "deliveries?state=delivered".to_owned()),
        ("deliveries_dead", "deliveries?state=dead".to_owned()),
        ("deliveries_cancelled", "deliveries?state=cancelled".to_owned()),
        ("deliveries_by_destination", format!("deliveries?destination={destination}")),
        ("deliveries_by_connection", format!("deliveries?connection={connection}")),
        ("deliveries_dead_by_destination", format!("deliveries?state=dead&destination={destination}")),
        ("deliveries_dead_by_connection", format!("deliveries?state=dead&connection={connection}")),
        ("deliveries_between", format!("deliveries?{range}")),
        ("audit", "audit".to_owned()),
        ("audit_by_action", "audit?action=source.updated".to_owned()),
        ("audit_by_rare_action", "audit?action=rare.action".to_owned()),
        ("audit_by_actor", "audit?actor=usr_3".to_owned()),
        ("audit_by_target", "audit?target=thing_3".to_owned()),
        ("audit_by_actor_of_none", "audit?actor=nobody".to_owned()),
        ("audit_between", format!("audit?{range}")),
        ("sources", "sources".to_owned()),
        ("sources_search", "sources?q=ben".to_owned()),
        ("sources_paused", "sources?state=paused".to_owned()),
        ("destinations", "destinations".to_owned()),
        ("destinations_search", "destinations?q=127".to_owned()),
        ("connections", "connections".to_owned()),
        ("connections_by_source", format!("connections?source={source}")),
        ("keys", "keys".to_owned()),
        ("members", "members".to_owned()),
    ];
    all.map(|(name, path)| page(name, path, LISTS_MS)).into()
}

fn others(world: &World, (source, destination, connection): (&str, &str, &str)) -> Vec<Wanted> {
    let mut all: Vec<Wanted> = ["1h", "24h", "7d", "30d"]
        .map(|range| page(&format!("overview_{range}"), format!("?range={range}"), OVERVIEW_MS))
        .into();
    all.push(page("inspector", format!("events/{}", world.event), INSPECTOR_MS));
    for (name, path) in [
        ("source", format!("sources/{source}")),
        ("destination", format!("destinations/{destination}")),
        ("connection", format!("connections/{connection}")),
    ] {
        all.push(page(name, path, LISTS_MS));
    }
    all
}

/// The tenth page of the events, and the third from the middle of the month.
async fn deep(browser: &mut Browser, tenant: &Tenant, wanted: &mut Vec<Wanted>) -> Result<()> {
    for list in ["events", "deliveries", "audit"] {
        let mut path = list.to_owned();
        for _ in 0..10 {
            let text = browser.get(&format!("/t/{}/{path}", tenant.id)).await?.text;
            let link = older(&text).with_context(|| format!("{path} has no older rows"))?;
            path = link.rsplit('/').next().unwrap_or_default().to_owned();
        }
        wanted.push(page(&format!("{list}_tenth_page"), path, LISTS_MS));
    }
    Ok(())
}

/// Answers how many bytes the page is on the wire, without its files.
async fn read(
    options: &Options,
    browser: &mut Browser,
    (tenant, wanted): (&Tenant, &Wanted),
    report: &Report,
) -> Result<usize> {
    let path = format!("/t/{}/{}", tenant.id, wanted.path);
    let first = browser.get(&path).await?;
    let (mut rounds, mut bytes) = (Vec::with_capacity(options.rounds), 0);
    for _ in 0..options.rounds.max(1) {
        let mut took_us = Vec::with_capacity(options.reads);
        for _ in 0..options.reads.max(1) {
            let (took, weight) = browser.load(&path).await?;
            bytes = weight;
            took_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
        took_us.sort_unstable();
        rounds.push((quantile_ms(&took_us, 0.95), quantile_ms(&took_us, 0.50)));
    }
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (p95, p50) = rounds.first().copied().unwrap_or_default();
    let rows = first.text.matches("data-row").count();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    report::note(&format!(
        "{}: first {:.1}, p50 {p50:.1}, p95 {p95:.1} ms of {} rounds; {rows} rows, {} bytes, {bytes} packed, load {}",
        wanted.name,
        first.took.as_secs_f64() * 1_000.0,
        rounds.len(),
        first.text.len(),
        load.split(' ').next().unwrap_or_default(),
    ));
    report.figure(&format!("page_{}_p50", wanted.name), (p50, "ms"), Bar::None);
    report.figure(&format!("page_{}_p95", wanted.name), (p95, "ms"), Bar::AtMost(wanted.most_ms));
    Ok(bytes)
}

/// How many pages somebody turns until the first row is there.
async fn find(browser: &mut Browser, tenant: &Tenant, path: &str) -> Result<usize> {
    let mut path = format!("/t/{}/{path}", tenant.id);
    for turned in 0..MOST_TURNED {
        let text = browser.get(&path).await?.text;
        if text.contains("data-row") {
            return Ok(turned);
        }
        match older(&text) {
            Some(next) => path = next,
            None => bail!("{path} ends the list without the row"),
        }
    }
    Ok(MOST_TURNED)
}
