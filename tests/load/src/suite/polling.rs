//! Ten thousand sources that are polled every minute and have nothing new: whether each run is made, how late, and what
//! that costs above the requests themselves. Then twice as many.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use postern_domain::Clock;
use serde_json::json;

use super::{ratio, seeding};
use crate::{
    bare_loop,
    http::Connection,
    options::{Kind, Options},
    punctuality::{self, Punctuality},
    report::{self, Bar, Report},
    stand::{Stand, Tenant},
    tally::quantile_ms,
    upstream::Upstream,
    usage,
};

const INTERVAL_S: u32 = 60;
const INTERVAL_US: i64 = 60_000_000;
const TENANTS: usize = 10;
/// Sources are made over so many connections.
const HANDS: usize = 8;
/// Until each source has been asked for twice: then it shows the tag of its page.
const WARM_UP: Duration = Duration::from_secs(300);
const LATE_MS: f64 = 2_000.0;
const CORES: f64 = 0.3;
const MEMORY_MIB: f64 = 120.0;
const TWICE: f64 = 2.2;
/// Rows that a source's runs may leave on its first day: its first run, and the streak of those that found nothing.
const ROWS: f64 = 3.0;
/// Transactions that a run which found nothing may take: it is claimed and ended together with others.
const TRANSACTIONS: f64 = 1.0;

/// What a stretch of polling has cost.
struct Stretch {
    punctuality: Punctuality,
    server_cores: f64,
    database_cores: f64,
    /// Of this process, which is the upstream.
    upstream_cores: f64,
    transactions_per_run: f64,
}

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let upstream = Upstream::start().await?;
    let mut stand = Stand::create(options, kind).await?;
    let tenants: Vec<Tenant> =
        (0..TENANTS).map(|number| stand.tenant(&format!("bench{number}"))).collect::<Result<_>>()?;
    stand.start().await?;
    seeding("sources to poll", kind);
    let mut ids = Vec::with_capacity(2 * options.polls);
    let one = poll(options, &mut stand, (&tenants, &upstream, &mut ids), options.polls).await?;
    tell(&one, report, "");
    let per_s = options.polls as f64 / f64::from(INTERVAL_S);
    let (_, peak_mib) = stand.memory_mib()?;
    report.figure("poll_memory", (peak_mib, "MiB"), Bar::AtMost(MEMORY_MIB));
    let rows = stand.database.number("SELECT count(*) FROM poll_runs").await? as f64;
    report.figure("poll_runs_rows", (rows / options.polls as f64, "per source"), Bar::AtMost(ROWS));

    let twice = poll(options, &mut stand, (&tenants, &upstream, &mut ids), 2 * options.polls).await?;
    tell(&twice, report, "_of_twice");
    let (of_one, of_twice) = (one.server_cores + one.database_cores, twice.server_cores + twice.database_cores);
    report.figure("poll_twice_cpu", (ratio(of_twice, of_one), "of once"), Bar::AtMost(TWICE));
    stand.remove().await?;

    let duration = Duration::from_secs_f64(options.poll_seconds);
    let bare = bare_loop::cores(upstream.address, per_s, duration).await? - one.upstream_cores;
    report.figure("poll_bare_loop", (bare, "cores"), Bar::None);
    report.figure("poll_above_bare_loop", (of_one - bare, "cores"), Bar::AtMost(CORES));
    Ok(())
}

/// Makes sources until there are `count`, and polls them.
async fn poll(
    options: &Options,
    stand: &mut Stand,
    (tenants, upstream, ids): (&[Tenant], &Upstream, &mut Vec<String>),
    count: usize,
) -> Result<Stretch> {
    create(stand, tenants, upstream, (ids, count)).await?;
    // A server that has made none of them itself.
    stand.stop().await?;
    stand.start().await?;
    warm_up(upstream, count).await?;
    let instants_us = instants(stand, ids).await?;
    let server = stand.pid()?;
    let database = stand.database.postmaster;
    let read = || (usage::cpu_us(server), database.map_or(0, usage::cpu_us), usage::own_cpu_us());
    let (before, commits) = (read(), stand.database.commits().await?);
    let (from_us, begun) = (Clock::System.now().as_micros(), Instant::now());
    upstream.take();
    tokio::time::sleep(Duration::from_secs_f64(options.poll_seconds)).await;
    let (after, elapsed_s) = (read(), begun.elapsed().as_secs_f64());
    let polls = upstream.take();
    let commits = stand.database.commits().await? - commits;
    let to_us = Clock::System.now().as_micros();
    let cores = |after: u64, before: u64| after.saturating_sub(before) as f64 / 1_000_000.0 / elapsed_s;
    Ok(Stretch {
        punctuality: punctuality::of(&instants_us, INTERVAL_US, (from_us, to_us), &polls),
        server_cores: cores(after.0, before.0),
        database_cores: cores(after.1, before.1),
        upstream_cores: cores(after.2, before.2),
        transactions_per_run: commits as f64 / polls.len().max(1) as f64,
    })
}

/// All at the same interval, without jitter, so that their instants are known. Appends their ids, in their order.
async fn create(
    stand: &Stand,
    tenants: &[Tenant],
    upstream: &Upstream,
    (ids, count): (&mut Vec<String>, usize),
) -> Result<()> {
    let hands: Vec<_> = (0..HANDS)
        .map(|hand| {
            let apis = tenants.iter().map(|tenant| stand.api(tenant)).collect::<Result<Vec<_>>>();
            let (upstream, numbers) = (upstream.clone(), (ids.len() + hand..count).step_by(HANDS));
            tokio::task::spawn_local(async move {
                let apis = apis?;
                let mut connection = Connection::open(upstream.address).await?;
                if let Some(api) = apis.first() {
                    connection = Connection::open(api.server).await?;
                }
                let mut made = Vec::new();
                for number in numbers {
                    let api = apis.get(number % apis.len()).context("no tenants")?;
                    let body = json!({ "name": format!("polled {number}"), "kind": "poll", "poll": {
                        "request": { "method": "GET", "url": upstream.url(number) },
                        "schedule": { "interval_s": INTERVAL_S, "jitter_pct": 0 },
                        "items": "$.data",
                        "id": "$.id",
                    } });
                    made.push((number, api.create(&mut connection, "sources", &body).await?));
                }
                anyhow::Ok(made)
            })
        })
        .collect();
    let mut made = Vec::with_capacity(count);
    for hand in hands {
        made.extend(hand.await??);
    }
    made.sort_unstable();
    ids.extend(made.into_iter().map(|(_, id)| id));
    Ok(())
}

/// Until each of them has shown the tag of its page.
async fn warm_up(upstream: &Upstream, count: usize) -> Result<()> {
    let (begun, mut known) = (Instant::now(), vec![false; count]);
    while known.contains(&false) {
        for poll in upstream.take().iter().filter(|poll| poll.conditional) {
            if let Some(known) = known.get_mut(poll.number) {
                *known = true;
            }
        }
        if begun.elapsed() > WARM_UP {
            bail!("{} of {count} sources were not polled twice", known.iter().filter(|known| !**known).count());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    report::note(&format!("{count} sources are polled, after {:.0} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// When each source is due next.
async fn instants(stand: &Stand, ids: &[String]) -> Result<Vec<i64>> {
    let due = stand.database.next_runs().await?;
    let missing = |id: &String| format!("{id} has no next run");
    ids.iter().map(|id| due.get(id).copied().with_context(|| missing(id))).collect()
}

fn tell(stretch: &Stretch, report: &Report, which: &str) {
    let punctuality = &stretch.punctuality;
    let named = |name: &str| format!("poll_{name}{which}");
    let late = |q: f64| (quantile_ms(&punctuality.late_us, q), "ms");
    report.figure(&named("runs_due"), (punctuality.due as f64, "runs"), Bar::None);
    report.figure(&named("runs_missed"), (punctuality.missed as f64, "runs"), Bar::AtMost(0.0));
    report.figure(&named("runs_doubled"), (punctuality.doubled as f64, "runs"), Bar::AtMost(0.0));
    report.figure(&named("start_late_p50"), late(0.50), Bar::None);
    report.figure(&named("start_late_p99"), late(0.99), Bar::AtMost(LATE_MS));
    report.figure(&named("cpu_server"), (stretch.server_cores, "cores"), Bar::None);
    report.figure(&named("cpu_database"), (stretch.database_cores, "cores"), Bar::None);
    if stretch.transactions_per_run > 0.0 {
        let transactions = (stretch.transactions_per_run, "transactions");
        report.figure(&named("unchanged_run_writes"), transactions, Bar::AtMost(TRANSACTIONS));
    }
}
