//! When things are done: each replica's periodic jobs, run by tokio-cron-scheduler.
//!
//! A job here only says when; what is done is a verb of `pipeline`. No job may run twice at once in one process; that two
//! replicas run the same job is for the verb to bear. Start at [`start`].

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use postern_pipeline::{Engine, HEARTBEAT_MS};
use postern_store::StoreError;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

type Verb = fn(Arc<Engine>) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Every job: its name, its period, and the verb.
const JOBS: [(&str, Duration, Verb); 13] = [
    ("heartbeat", Duration::from_millis(HEARTBEAT_MS), |engine| Box::pin(async move { engine.beat().await })),
    ("follow-config", Duration::from_secs(1), |engine| Box::pin(async move { engine.follow_config().await })),
    ("take-over", Duration::from_secs(1), |engine| Box::pin(async move { engine.take_over().await })),
    ("claim-polls", Duration::from_secs(1), |engine| Box::pin(async move { engine.claim_polls().await })),
    ("tend-calls", Duration::from_secs(1), |engine| Box::pin(async move { engine.tend_calls().await })),
    ("watch-polls", Duration::from_secs(60), |engine| Box::pin(async move { engine.watch_polls().await })),
    ("sweep-leases", Duration::from_secs(30), |engine| Box::pin(async move { engine.sweep_leases().await })),
    ("cancel-orphans", Duration::from_secs(5), |engine| Box::pin(async move { engine.cancel_orphans().await })),
    ("open-days", Duration::from_secs(3_600), |engine| Box::pin(async move { engine.open_days().await })),
    ("expire", Duration::from_secs(300), |engine| Box::pin(async move { engine.expire().await })),
    ("expire-keys", Duration::from_secs(3_600), |engine| Box::pin(async move { engine.expire_keys().await })),
    ("count-activity", Duration::from_secs(15), |engine| Box::pin(async move { engine.count_activity().await })),
    ("gauge", Duration::from_secs(15), |engine| Box::pin(async move { engine.gauge().await })),
];

/// The running jobs; they end when it is shut down.
pub struct Jobs(JobScheduler);

/// Starts the jobs.
///
/// # Errors
/// When the scheduler cannot be set up.
pub async fn start(engine: &Arc<Engine>) -> Result<Jobs, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for (name, period, verb) in JOBS {
        let engine = Arc::clone(engine);
        let running = Arc::new(AtomicBool::new(false));
        let job = Job::new_repeated_async(period, move |_, _| {
            let (engine, running) = (Arc::clone(&engine), Arc::clone(&running));
            Box::pin(async move { run(name, verb, engine, &running).await })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(Jobs(scheduler))
}

impl Jobs {
    /// Starts no further run.
    pub async fn shut_down(mut self) {
        if let Err(cause) = self.0.shutdown().await {
            tracing::warn!(%cause, "The scheduler did not stop cleanly");
        }
    }
}

/// A run that has not ended is not joined by a second one. However it ends, the next one may begin.
async fn run(name: &'static str, verb: Verb, engine: Arc<Engine>, running: &AtomicBool) {
    if running.swap(true, Ordering::AcqRel) {
        return;
    }
    let _ended = Ended(running);
    if let Err(cause) = verb(engine).await {
        tracing::warn!(job.name = name, %cause, "Job `{name}` failed and will be tried again");
    }
}

struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
