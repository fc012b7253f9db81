//! A destination that accepts and never answers, with a large backlog due, costs the others nothing that they notice.

use anyhow::Result;

use super::{Scene, in_turn, median_of, ratio, seeding};
use crate::{
    load::Pace,
    options::{Kind, Options},
    report::{Bar, Report},
    seed,
};

const AT_MOST: f64 = 2.0;

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let (mut well, mut ill) = (Scene::set(options, kind).await?, Scene::set(options, kind).await?);
    // Of the same tenant: one tenant's limits shield the others, here nothing does.
    let dead_end = ill.stand.dead_end(&ill.tenant).await?;
    well.stand.stop().await?;
    ill.stand.stop().await?;
    seeding("a backlog", kind);
    seed::backlog(&ill.stand.database, (&ill.tenant, &dead_end), options.backlog).await?;

    let scenes = [(&mut well, "without a dead end"), (&mut ill, "beside a dead end")];
    let [without, with] = in_turn(options, scenes, options.plan(Pace::PerSecond(options.rate)), report).await?;
    well.stand.remove().await?;
    ill.stand.remove().await?;

    let (without, with) = (
        median_of(&without, |run| run.outcome.end_to_end_p99_ms),
        median_of(&with, |run| run.outcome.end_to_end_p99_ms),
    );
    report.figure("p99_without_dead_end", (without, "ms"), Bar::None);
    report.figure("p99_beside_dead_end", (with, "ms"), Bar::None);
    report.figure("dead_end_ratio", (ratio(with, without), "of without"), Bar::AtMost(AT_MOST));
    Ok(())
}
