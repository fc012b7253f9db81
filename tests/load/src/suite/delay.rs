//! A database that is a millisecond away: what round trips cost.

use std::time::Duration;

use anyhow::Result;

use super::{Scene, in_turn, median_of, ratio};
use crate::{
    load::Pace,
    options::{Kind, Options},
    report::{Bar, Report},
    stand::Stand,
};

const ONE_WAY: Duration = Duration::from_micros(500);

pub(super) async fn measure(options: &Options, kind: Kind, report: &Report) -> Result<()> {
    let mut near = Scene::set(options, kind).await?;
    let mut stand = Stand::create(options, kind).await?;
    stand.delay_database(ONE_WAY)?;
    let mut far = Scene::on(stand).await?;
    near.stand.stop().await?;
    far.stand.stop().await?;

    let scenes = [(&mut near, "database near"), (&mut far, "database 1 ms away")];
    let [without, with] = in_turn(options, scenes, options.plan(Pace::Closed), report).await?;
    let scenes = [(&mut near, "database near"), (&mut far, "database 1 ms away")];
    let [_, steady] = in_turn(options, scenes, options.plan(Pace::PerSecond(options.rate)), report).await?;
    near.stand.remove().await?;
    far.stand.remove().await?;

    let (without, with) =
        (median_of(&without, |run| run.outcome.deliveries_per_s), median_of(&with, |run| run.outcome.deliveries_per_s));
    report.figure("deliveries_per_s_1ms_away", (with, "1/s"), Bar::None);
    report.figure("distance_ratio", (ratio(with, without), "of near"), Bar::None);
    report.figure(
        "end_to_end_p50_1ms_away",
        (median_of(&steady, |run| run.outcome.end_to_end_p50_ms), "ms"),
        Bar::None,
    );
    report.figure(
        "end_to_end_p99_1ms_away",
        (median_of(&steady, |run| run.outcome.end_to_end_p99_ms), "ms"),
        Bar::None,
    );
    Ok(())
}
