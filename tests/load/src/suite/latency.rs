//! From the moment an event is sent until it is delivered, at a steady rate.

use anyhow::Result;

use super::{Scene, median_of};
use crate::{
    load::Pace,
    options::{Kind, Options},
    report::{Bar, Report},
};

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let scene = Scene::set(options, kind).await?;
    scene.stand.warm_up(&scene.way).await?;
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        runs.push(scene.run("latency", options.plan(Pace::PerSecond(options.rate)), report).await?);
    }
    scene.stand.remove().await?;

    report.figure("end_to_end_p50", (median_of(&runs, |run| run.outcome.end_to_end_p50_ms), "ms"), Bar::None);
    report.figure("end_to_end_p99", (median_of(&runs, |run| run.outcome.end_to_end_p99_ms), "ms"), Bar::None);
    report.figure("accept_p50", (median_of(&runs, |run| run.outcome.accept_p50_ms), "ms"), Bar::None);
    report.figure("accept_p99", (median_of(&runs, |run| run.outcome.accept_p99_ms), "ms"), Bar::None);
    Ok(())
}
