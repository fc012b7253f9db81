//! As fast as it goes, in a closed loop; what that costs in CPU time and memory.

use std::time::Duration;

use anyhow::Result;

use super::{Scene, median_of};
use crate::{
    load::Pace,
    options::{Kind, Options},
    report::{Bar, Report},
};

const IDLE: Duration = Duration::from_secs(2);
const IDLE_MIB: f64 = 48.0;
const UNDER_LOAD_MIB: f64 = 160.0;

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let scene = Scene::set(options, kind).await?;
    tokio::time::sleep(IDLE).await;
    let (idle_mib, _) = scene.stand.memory_mib()?;
    scene.stand.warm_up(&scene.way).await?;
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        runs.push(scene.run("throughput", options.plan(Pace::Closed), report).await?);
    }
    let (_, peak_mib) = scene.stand.memory_mib()?;
    scene.stand.remove().await?;

    let per_s = median_of(&runs, |run| run.outcome.deliveries_per_s);
    let (server, database) =
        (median_of(&runs, |run| run.cpu_us_per_delivery.0), median_of(&runs, |run| run.cpu_us_per_delivery.1));
    report.figure("deliveries_per_s", (per_s, "1/s"), Bar::None);
    report.figure("cpu_per_delivery", (server + database, "us"), Bar::None);
    report.figure("cpu_per_delivery_server", (server, "us"), Bar::None);
    report.figure("memory_idle", (idle_mib, "MiB"), Bar::AtMost(IDLE_MIB));
    report.figure("memory_under_load", (peak_mib, "MiB"), Bar::AtMost(UNDER_LOAD_MIB));
    Ok(())
}
