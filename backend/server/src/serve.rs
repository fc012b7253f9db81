//! `postern serve`: opens, migrates, starts the engine, the jobs and the listener; stops in order on SIGTERM or SIGINT.

use std::{net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use postern_domain::Clock;
use postern_pipeline::{Duty, Engine, EngineOptions, Parts};
use postern_store::Serving;
use postern_web::{App, Limits, Serves};
use tokio::signal::unix::{SignalKind, signal};

use crate::{cli::Role, config::Config, huge_pages, open, presets, print, telemetry};

/// How long what is under way may take to finish.
const GRACE: Duration = Duration::from_secs(50);

pub(crate) async fn serve(config: Config, role: Role) -> anyhow::Result<ExitCode> {
    telemetry::start(&config)?;
    // A file that cannot be used should be known before anything starts.
    let presets = Arc::new(presets::read(&config.data_dir)?);
    let store = open::open(&config, Serving::Yes).await?;
    store.migrate().await.context("migrating the database")?;
    // A port that is taken should be known before anything starts.
    let listener = TcpListener::bind(config.listen).with_context(|| format!("listening on {}", config.listen))?;
    let address = listener.local_addr()?;
    let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let egress = egress(&config, &public_url)?;
    let duty = match role {
        Role::All => Duty::All,
        Role::Http => Duty::Http,
        Role::Worker => Duty::Worker,
    };
    let options = EngineOptions {
        duty,
        lease_ms: i64::from(config.lease_s) * 1_000,
        retention: config.retention,
        tenant_rate_per_s: config.tenant_rate_per_s,
        min_poll_interval_s: config.min_poll_interval_s,
    };
    let parts = Parts { store: store.clone(), egress, clock: Clock::System, presets, options };
    let engine = Engine::new(parts);
    engine.start().await.context("starting the engine")?;
    let jobs = postern_worker::start(&engine).await.context("starting the periodic jobs")?;
    let settings = postern_web::Settings {
        public_url,
        ingest_url: config.ingest_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        metrics_token: config.metrics_token.clone(),
        serves: if duty == Duty::Worker { Serves::Health } else { Serves::Everything },
    };
    let app = App::new(engine.clone(), settings);
    let live = app.live.clone();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let front = std::thread::Builder::new().name("http".to_owned()).spawn(move || actix(app, listener, sender))?;
    let handle = receiver.await.context("starting the listener")?;
    engine.tasks.spawn("huge-pages", huge_pages::follow(Arc::clone(&engine)));
    print(&format!("listening http://{address}"))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, ?duty, "Postern serves");
    let name = stop_signal().await?;
    tracing::info!("Stopping on {name}");
    live.close();
    engine.end_waits();
    handle.stop(true).await;
    engine.shut_down(GRACE).await;
    jobs.shut_down().await;
    store.close().await;
    if front.join().is_err() {
        anyhow::bail!("the listener ended badly");
    }
    Ok(ExitCode::SUCCESS)
}

fn actix(
    app: App,
    listener: TcpListener,
    started: tokio::sync::oneshot::Sender<postern_web::ServerHandle>,
) -> std::io::Result<()> {
    postern_web::run(app, listener, Limits::default(), move |handle| {
        let _ = started.send(handle);
    })
}

fn egress(config: &Config, public_url: &str) -> anyhow::Result<postern_egress::Client> {
    let own = |url: &str| {
        let url = url::Url::parse(url).ok()?;
        let port = url.port_or_known_default()?;
        Some(format!("{}:{port}", url.host_str()?))
    };
    let own_hosts = [Some(public_url), config.ingest_url.as_deref()].into_iter().flatten().filter_map(own).collect();
    let options = postern_egress::Options {
        allow: config.egress_allow.clone(),
        https_only: config.egress_https_only,
        own_hosts,
        dns: config.egress_dns,
        extra_roots_pem: Vec::new(),
        user_agent: format!("Postern/{}", env!("CARGO_PKG_VERSION")),
    };
    postern_egress::Client::new(options).context("building the outbound client")
}

async fn stop_signal() -> anyhow::Result<&'static str> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    })
}
