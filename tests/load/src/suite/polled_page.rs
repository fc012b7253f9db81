//! A page of a thousand records of which ten are new: what it takes to commit it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{
    http::Connection,
    options::{Kind, Options},
    report::{Bar, Report},
    stand::Stand,
    tally::median,
    upstream::{self, Upstream},
};

const RECORDS: usize = 1_000;
const NEW: usize = 10;
const PAGES: usize = 30;
const COMMIT_MS: f64 = 50.0;
const PATIENCE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(200);
const SUM: &str = "postern_poll_commit_page_seconds_sum";
const COUNT: &str = "postern_poll_commit_page_seconds_count";

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let upstream = Upstream::start().await?;
    upstream.serve_page(&upstream::page(0..RECORDS));
    let mut stand = Stand::create(options, kind).await?;
    let tenant = stand.tenant("bench")?;
    stand.start().await?;
    let api = stand.api(&tenant)?;
    let mut connection = Connection::open(api.server).await?;
    let source = json!({ "name": "polled", "kind": "poll", "poll": {
        "request": { "method": "GET", "url": upstream.url(0) },
        "schedule": { "cron": "0 3 29 2 *", "timezone": "UTC" },
        "items": "$.data",
        "id": "$.id",
        "first_run": "skip_existing",
    } });
    let source = api.create(&mut connection, "sources", &source).await?;
    let mut taken_ms = Vec::with_capacity(PAGES);
    for page in 0..=PAGES {
        let (sum, count) = (api.figure(&mut connection, SUM).await?, api.figure(&mut connection, COUNT).await?);
        upstream.serve_page(&upstream::page(page * NEW..page * NEW + RECORDS));
        let begun = Instant::now();
        while api.figure(&mut connection, COUNT).await? < count + 1.0 {
            if begun.elapsed() > PATIENCE {
                bail!("page {page} was not committed");
            }
            // Asked for while a run is under way, no other one follows: so it is asked for until it is made.
            api.create(&mut connection, &format!("sources/{source}/poll"), &json!({})).await?;
            tokio::time::sleep(AGAIN).await;
        }
        // The first one is all new, and nobody's measure.
        if page > 0 {
            taken_ms.push((api.figure(&mut connection, SUM).await? - sum) * 1_000.0);
        }
    }
    let worst = taken_ms.iter().copied().reduce(f64::max).context("no pages")?;
    let bar = if kind == Kind::Postgres { Bar::AtMost(COMMIT_MS) } else { Bar::None };
    report.figure("poll_page_commit", (median(taken_ms), "ms"), bar);
    report.figure("poll_page_commit_worst", (worst, "ms"), Bar::None);
    stand.remove().await
}
