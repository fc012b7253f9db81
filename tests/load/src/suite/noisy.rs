//! Two tenants at 70 % of what the installation can do, one sending fifty times what the other sends: what the quiet one
//! notices, against when it is alone.

use std::time::Duration;

use anyhow::Result;

use super::{Scene, median_of, ratio};
use crate::{
    load::{Pace, Plan},
    options::{Kind, Options},
    report::{Bar, Report},
    tally::median,
};

const AT_MOST: f64 = 2.0;
const LOAD: f64 = 0.7;
const TIMES: f64 = 50.0;
/// The quiet tenant sends little: a p99 needs some time.
const LONGER: u32 = 2;

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let noisy = Scene::set(options, kind).await?;
    let tenant = noisy.stand.tenant("quiet")?;
    let quiet = noisy.stand.way(&tenant).await?;
    noisy.stand.warm_up(&noisy.way).await?;
    noisy.stand.warm_up(&quiet).await?;
    let mut closed = Vec::new();
    for _ in 0..options.rounds {
        closed.push(noisy.run("most", options.plan(Pace::Closed), report).await?);
    }
    let most = median_of(&closed, |run| run.outcome.deliveries_per_s);
    let quiet_rate = most * LOAD / (TIMES + 1.0);
    let plan = |rate: f64| Plan {
        duration: options.plan(Pace::Closed).duration * LONGER,
        ..options.plan(Pace::PerSecond(rate))
    };

    let (mut alone, mut beside) = (Vec::<f64>::new(), Vec::<f64>::new());
    for _ in 0..options.rounds {
        let run = noisy.stand.run(&quiet, plan(quiet_rate)).await?;
        report.ran("quiet alone", &run.outcome);
        alone.push(run.outcome.end_to_end_p99_ms);
        let both = [(&quiet, plan(quiet_rate)), (&noisy.way, plan(quiet_rate * TIMES))];
        let (run, loud) = noisy.stand.run_both(both[0], both[1]).await?;
        report.ran("quiet beside noisy", &run);
        report.ran("noisy", &loud);
        beside.push(run.end_to_end_p99_ms);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    noisy.stand.remove().await?;

    let (alone, beside) = (median(alone), median(beside));
    report.figure("quiet_p99_alone", (alone, "ms"), Bar::None);
    report.figure("quiet_p99_beside_noisy", (beside, "ms"), Bar::None);
    report.figure("noisy_ratio", (ratio(beside, alone), "of alone"), Bar::AtMost(AT_MOST));
    Ok(())
}
