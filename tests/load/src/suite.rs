//! The parts of the suite, each on installations of its own.

mod backlog;
mod delay;
mod latency;
mod noisy;
mod pages;
mod past;
mod polled_page;
mod polling;
mod throughput;

use anyhow::Result;

use crate::{
    load::Plan,
    options::{Kind, Options, Part},
    report::{self, Report},
    stand::{Measured, Stand, Tenant, Way},
    tally::median,
};

/// Answers how many bars did not hold.
pub(crate) async fn run(options: &Options, kind: Kind) -> Result<u32> {
    let report = Report::new(kind);
    if options.wants(Part::Throughput) {
        throughput::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Latency) {
        latency::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Past) {
        past::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Backlog) {
        backlog::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Noisy) {
        noisy::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Delay) && kind == Kind::Postgres {
        delay::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Pages) {
        pages::measure(options, kind, &report).await?;
    }
    if options.wants(Part::Polling) {
        polled_page::measure(options, kind, &report).await?;
        polling::measure(options, kind, &report).await?;
    }
    Ok(report.close())
}

/// An installation with one tenant and one way through it.
struct Scene {
    stand: Stand,
    tenant: Tenant,
    way: Way,
}

impl Scene {
    /// Its server runs.
    async fn set(options: &Options, kind: Kind) -> Result<Self> {
        Self::on(Stand::create(options, kind).await?).await
    }

    async fn on(mut stand: Stand) -> Result<Self> {
        let tenant = stand.tenant("bench")?;
        stand.start().await?;
        let way = stand.way(&tenant).await?;
        Ok(Self { stand, tenant, way })
    }

    async fn run(&self, what: &str, plan: Plan, report: &Report) -> Result<Measured> {
        let measured = self.stand.run(&self.way, plan).await?;
        report.ran(what, &measured.outcome);
        Ok(measured)
    }
}

/// Two installations in turn, each alone on the machine while it is measured: whatever the machine does meanwhile, it does
/// to both. The servers are stopped before and after.
async fn in_turn(
    options: &Options,
    scenes: [(&mut Scene, &str); 2],
    plan: Plan,
    report: &Report,
) -> Result<[Vec<Measured>; 2]> {
    let mut measured = [Vec::new(), Vec::new()];
    let mut scenes = scenes;
    for _ in 0..options.rounds {
        for ((scene, what), measured) in scenes.iter_mut().zip(&mut measured) {
            scene.stand.start().await?;
            scene.stand.warm_up(&scene.way).await?;
            measured.push(scene.run(what, plan, report).await?);
            scene.stand.stop().await?;
        }
    }
    Ok(measured)
}

fn median_of(measured: &[Measured], pick: impl Fn(&Measured) -> f64) -> f64 {
    median(measured.iter().map(pick).collect())
}

fn ratio(of: f64, to: f64) -> f64 {
    if to > 0.0 { of / to } else { f64::INFINITY }
}

fn seeding(what: &str, kind: Kind) {
    report::note(&format!("{} seeding {what}", kind.as_str()));
}
