//! One installation to measure: a data folder, a database, a server that is started and stopped, and ways through it.

use std::{cell::RefCell, path::PathBuf, rc::Rc, time::Duration};

use anyhow::{Context, Result};
use postern_domain::id::fresh_uuid;

use crate::{
    api::{Api, Route},
    database::Database,
    load::{self, Pace, Plan, Target},
    options::{Kind, Options},
    receiver::{self, Shared},
    server::{Installation, Server},
    tally::{Outcome, Tally},
    usage,
};

const WARM_UP: Duration = Duration::from_secs(1);
const WARM_UP_CONNECTIONS: usize = 16;

#[derive(Debug)]
pub(crate) struct Stand {
    installation: Installation,
    pub(crate) database: Database,
    server: Option<Server>,
    #[expect(dead_code, reason = "removed with the stand")]
    folder: Folder,
}

/// A tenant, and the key to it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    key: String,
}

/// A way through the product: a source, a destination, and the count of what arrives there.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) route: Route,
    secret: String,
    tally: Shared,
}

/// A run, and what it cost.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    /// Of the server and of its database.
    pub(crate) cpu_us_per_delivery: (f64, f64),
}

/// Removed when dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Stand {
    pub(crate) async fn create(options: &Options, kind: Kind) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("postern-load.{}", fresh_uuid().simple()));
        std::fs::create_dir_all(&folder).context("making a data folder")?;
        let database = Database::create(kind, &folder, options.postgres_url.as_deref()).await?;
        let installation =
            Installation { program: options.program()?, folder: folder.clone(), database_url: database.url.clone() };
        Ok(Self { installation, database, server: None, folder: Folder(folder) })
    }

    pub(crate) fn delay_database(&mut self, one_way: Duration) -> Result<()> {
        self.database.delay(one_way)?;
        self.installation.database_url.clone_from(&self.database.url);
        Ok(())
    }

    pub(crate) fn tenant(&self, name: &str) -> Result<Tenant> {
        let (id, key) = self.installation.bootstrap(name)?;
        Ok(Tenant { id, key })
    }

    pub(crate) async fn start(&mut self) -> Result<()> {
        self.server = Some(self.installation.serve().await?);
        Ok(())
    }

    pub(crate) async fn stop(&mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    pub(crate) async fn remove(mut self) -> Result<()> {
        self.stop().await?;
        self.database.drop().await
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> Result<std::net::SocketAddr> {
        Ok(self.running()?.address)
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self.running()?.pid())
    }

    fn running(&self) -> Result<&Server> {
        self.server.as_ref().context("the server is not running")
    }

    /// A new source of the tenant, connected to a new destination with a receiver of its own.
    pub(crate) async fn way(&self, tenant: &Tenant) -> Result<Way> {
        let tally: Shared = Rc::new(RefCell::new(Tally::new(0)));
        let receiver = receiver::counting(Rc::clone(&tally)).await?;
        self.way_to(tenant, receiver, tally).await
    }

    /// The same, to a receiver that accepts and never answers.
    pub(crate) async fn dead_end(&self, tenant: &Tenant) -> Result<Way> {
        self.way_to(tenant, receiver::silent().await?, Rc::new(RefCell::new(Tally::new(0)))).await
    }

    pub(crate) fn api(&self, tenant: &Tenant) -> Result<Api> {
        Ok(Api { server: self.running()?.address, key: tenant.key.clone() })
    }

    async fn way_to(&self, tenant: &Tenant, receiver: std::net::SocketAddr, tally: Shared) -> Result<Way> {
        let api = self.api(tenant)?;
        let secret = format!("whsec_{}", fresh_uuid().simple());
        Ok(Way { route: api.route(receiver, &secret).await?, secret, tally })
    }

    fn target(&self, way: &Way) -> Result<Target> {
        let server = self.running()?.address;
        let (path, secret) = (way.route.path.clone(), way.secret.clone());
        Ok(Target { server, path, secret, tally: Rc::clone(&way.tally) })
    }

    /// Fills caches, pools and plans.
    pub(crate) async fn warm_up(&self, way: &Way) -> Result<()> {
        let plan = Plan { pace: Pace::Closed, connections: WARM_UP_CONNECTIONS, duration: WARM_UP };
        load::run(&self.target(way)?, plan).await?;
        Ok(())
    }

    pub(crate) async fn run(&self, way: &Way, plan: Plan) -> Result<Measured> {
        let server = self.running()?.pid();
        let used = || (usage::cpu_us(server), self.database.postmaster.map_or(0, usage::cpu_us));
        let before = used();
        let outcome = load::run(&self.target(way)?, plan).await?;
        let after = used();
        let per_delivery = |us: u64| us as f64 / outcome.delivered.max(1) as f64;
        let cpu_us_per_delivery =
            (per_delivery(after.0.saturating_sub(before.0)), per_delivery(after.1.saturating_sub(before.1)));
        Ok(Measured { outcome, cpu_us_per_delivery })
    }

    /// Two loads at once.
    pub(crate) async fn run_both(&self, first: (&Way, Plan), second: (&Way, Plan)) -> Result<(Outcome, Outcome)> {
        let (one, two) = (self.target(first.0)?, self.target(second.0)?);
        tokio::try_join!(load::run(&one, first.1), load::run(&two, second.1))
    }

    /// Resident now, and at most ever.
    pub(crate) fn memory_mib(&self) -> Result<(f64, f64)> {
        let pid = self.running()?.pid();
        Ok((usage::memory_mib(pid)?, usage::peak_memory_mib(pid)?))
    }
}
