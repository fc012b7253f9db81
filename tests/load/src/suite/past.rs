//! The cost of now does not grow with the past: throughput with a large history, against an empty installation.

use anyhow::Result;

use super::{Scene, in_turn, median_of, ratio, seeding};
use crate::{
    load::Pace,
    options::{Kind, Options},
    report::{Bar, Report},
    seed,
};

const AT_LEAST: f64 = 0.85;

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let (mut empty, mut old) = (Scene::set(options, kind).await?, Scene::set(options, kind).await?);
    empty.stand.stop().await?;
    old.stand.stop().await?;
    seeding("a past", kind);
    seed::past(&old.stand.database, (&old.tenant, &old.way), options.past).await?;

    let scenes = [(&mut empty, "empty"), (&mut old, "with a past")];
    let [without, with] = in_turn(options, scenes, options.plan(Pace::Closed), report).await?;
    empty.stand.remove().await?;
    old.stand.remove().await?;

    let (without, with) =
        (median_of(&without, |run| run.outcome.deliveries_per_s), median_of(&with, |run| run.outcome.deliveries_per_s));
    report.figure("deliveries_per_s_when_empty", (without, "1/s"), Bar::None);
    report.figure("deliveries_per_s_with_past", (with, "1/s"), Bar::None);
    report.figure("past_ratio", (ratio(with, without), "of empty"), Bar::AtLeast(AT_LEAST));
    Ok(())
}
