//! The database of one installation: made, reached beside the server, and gone afterwards.

use std::{collections::HashMap, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result};
use postern_domain::{SourceId, id::fresh_uuid};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use uuid::Uuid;

use crate::{options::Kind, relay, usage};

#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) kind: Kind,
    /// For the server.
    pub(crate) url: String,
    /// For us, never delayed.
    direct_url: String,
    /// The process above all of the database's, where there is one on this machine.
    pub(crate) postmaster: Option<u32>,
    /// Where it was made, and under which name.
    made_at: Option<(String, String)>,
}

impl Database {
    pub(crate) async fn create(kind: Kind, folder: &Path, postgres_url: Option<&str>) -> Result<Self> {
        match kind {
            Kind::Sqlite => {
                let url = format!("sqlite:{}", folder.join("postern.db").display());
                Ok(Self { kind, direct_url: url.clone(), url, postmaster: None, made_at: None })
            }
            Kind::Postgres => Self::create_postgres(postgres_url).await,
        }
    }

    async fn create_postgres(admin_url: Option<&str>) -> Result<Self> {
        let admin_url = admin_url.context("POSTERN_BENCH_POSTGRES_URL is not set")?;
        let name = format!("bench_{}", fresh_uuid().simple());
        let mut admin = PgConnection::connect(admin_url).await.context("connecting to PostgreSQL")?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut admin).await?;
        let postmaster = u32::try_from(pid).ok().and_then(usage::postmaster_of);
        let (server, _) = admin_url.rsplit_once('/').context("a PostgreSQL URL without a database")?;
        let url = format!("{server}/{name}");
        let made_at = Some((admin_url.to_owned(), name));
        Ok(Self { kind: Kind::Postgres, direct_url: url.clone(), url, postmaster, made_at })
    }

    /// From now on the server reaches it over a network that takes `one_way` in each direction.
    pub(crate) fn delay(&mut self, one_way: Duration) -> Result<()> {
        let after_at = self.url.rfind('@').context("a PostgreSQL URL without a user")? + 1;
        let length =
            self.url.get(after_at..).and_then(|rest| rest.find('/')).context("a PostgreSQL URL without a path")?;
        let place = after_at..after_at + length;
        let to: SocketAddr =
            self.url.get(place.clone()).unwrap_or_default().parse().context("a PostgreSQL URL without ADDRESS:PORT")?;
        let relay = relay::start(to, one_way)?;
        self.url.replace_range(place, &relay.to_string());
        Ok(())
    }

    /// Runs statements beside the server.
    pub(crate) async fn run(&self, statements: &[String]) -> Result<()> {
        match self.kind {
            Kind::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.direct_url).await?;
                sqlx::raw_sql("PRAGMA synchronous = off; PRAGMA cache_size = -262144").execute(&mut connection).await?;
                for sql in statements {
                    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await.context(sql.clone())?;
                }
                connection.close().await?;
            }
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.direct_url).await?;
                for sql in statements {
                    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await.context(sql.clone())?;
                }
                connection.close().await?;
            }
        }
        Ok(())
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, sql: &'static str) -> Result<i64> {
        Ok(match self.kind {
            Kind::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.direct_url).await?;
                sqlx::query_scalar(sql).fetch_one(&mut connection).await?
            }
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.direct_url).await?;
                sqlx::query_scalar(sql).fetch_one(&mut connection).await?
            }
        })
    }

    /// Transactions that were committed so far; 0 where the database does not count them.
    pub(crate) async fn commits(&self) -> Result<i64> {
        if self.kind == Kind::Sqlite {
            return Ok(0);
        }
        self.number("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").await
    }

    /// When each source that is polled is due next.
    pub(crate) async fn next_runs(&self) -> Result<HashMap<String, i64>> {
        const SQL: &str = "SELECT source_id, next_run_at FROM poll_states WHERE next_run_at IS NOT NULL";
        let rows: Vec<(Uuid, i64)> = match self.kind {
            Kind::Sqlite => {
                sqlx::query_as(SQL).fetch_all(&mut SqliteConnection::connect(&self.direct_url).await?).await?
            }
            Kind::Postgres => {
                sqlx::query_as(SQL).fetch_all(&mut PgConnection::connect(&self.direct_url).await?).await?
            }
        };
        Ok(rows.into_iter().map(|(id, due_us)| (SourceId::from_uuid(id).to_string(), due_us)).collect())
    }

    pub(crate) async fn drop(self) -> Result<()> {
        let Some((admin_url, name)) = self.made_at else { return Ok(()) };
        let mut admin = PgConnection::connect(&admin_url).await.context("connecting to PostgreSQL")?;
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.context("dropping a database")?;
        Ok(())
    }
}
