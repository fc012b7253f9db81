//! A change of one tenant's configuration: the rows, their version and the audit entry, together or not at all.

use postern_domain::{Actor, TenantScope, Timestamp};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value as Parameter,
    sea_query::Expr,
};
use serde_json::{Value, json};

use super::records::Record;
use crate::{
    Store, StoreError,
    audit::{self, Change},
    column::Sealer,
    scope::{scoped, scoped_update},
};

const DOING: &str = "changing the configuration";

/// Begun by [`super::TenantStore::begin`]; [`TenantTx::commit`] or nothing.
///
/// Locks are always taken in the same order: an idempotency key, the version of the configuration, rows, the head of
/// the audit chain. Two changes can wait for each other, but never in a circle.
#[derive(Debug)]
pub struct TenantTx {
    pub(crate) tx: DatabaseTransaction,
    pub(crate) scope: TenantScope,
    pub(crate) at: Timestamp,
    store: Store,
    pub(crate) actor: Actor,
    version: Option<i64>,
    pub(super) claimed: Option<[u8; 32]>,
}

/// Whether there was anything to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Altered {
    Yes,
    No,
}

impl TenantTx {
    pub(super) async fn begin(store: &Store, scope: TenantScope, actor: &Actor) -> Result<Self, StoreError> {
        let tx = begin_to_write(store).await?;
        let (store, actor, at) = (store.clone(), actor.clone(), store.clock().now());
        Ok(Self { tx, scope, at, store, actor, version: None, claimed: None })
    }

    /// The moment of this change, the same in every row it touches.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.at
    }

    /// The row as it is now; nobody else can change it until this ends.
    ///
    /// # Errors
    /// When the database does not answer, or the row cannot be read.
    pub async fn find<R: Record>(&mut self, id: R::Id) -> Result<Option<R>, StoreError> {
        self.version().await?;
        let row = scoped::<R::Table>(self.scope)
            .filter(R::ID.eq(R::uuid(id)))
            .filter(R::ENDED_AT.is_null())
            .lock_exclusive()
            .one(&self.tx)
            .await
            .map_err(StoreError::orm(DOING))?;
        row.map(|row| R::read(row, &self.sealer())).transpose()
    }

    /// How many the tenant has.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count<R: Record>(&mut self) -> Result<u64, StoreError>
    where
        <R::Table as EntityTrait>::Model: Sync,
    {
        self.version().await?;
        let rows = scoped::<R::Table>(self.scope).filter(R::ENDED_AT.is_null());
        rows.count(&self.tx).await.map_err(StoreError::orm(DOING))
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn insert<R: Record>(&mut self, new: &R) -> Result<(), StoreError> {
        let version = self.version().await?;
        let mut row = new.row(&self.sealer())?;
        row.set(R::VERSION, Parameter::from(version));
        R::Table::insert(row).exec_without_returning(&self.tx).await.map_err(StoreError::orm(DOING))?;
        let data = json!({ "before": null, "after": new.snapshot() });
        self.audit(format!("{}.created", R::NOUN), new.id().to_string(), data).await
    }

    /// Writes what differs. Where nothing does, nothing is written, and there is no audit entry.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn update<R: Record>(&mut self, before: &R, after: &R) -> Result<Altered, StoreError> {
        let changed = changed_fields(before, after);
        if changed.is_empty() {
            return Ok(Altered::No);
        }
        let version = self.version().await?;
        let mut statement = scoped_update::<R::Table>(self.scope)
            .set(before.changes(after, &self.sealer())?)
            .col_expr(R::VERSION, Expr::value(version))
            .filter(R::ID.eq(R::uuid(before.id())));
        if let Some(column) = R::UPDATED_AT {
            statement = statement.col_expr(column, Expr::value(self.at.as_micros()));
        }
        statement.exec(&self.tx).await.map_err(StoreError::orm(DOING))?;
        let data = json!({ "before": before.snapshot(), "after": after.snapshot(), "changed": changed });
        self.audit(format!("{}.{}", R::NOUN, before.action(after)), before.id().to_string(), data).await?;
        Ok(Altered::Yes)
    }

    /// Marks the row as ended. `with_it` goes into the audit entry: what else ended.
    pub(super) async fn end<R: Record>(&mut self, row: &R, with_it: Value) -> Result<(), StoreError> {
        let version = self.version().await?;
        scoped_update::<R::Table>(self.scope)
            .col_expr(R::ENDED_AT, Expr::value(self.at.as_micros()))
            .col_expr(R::VERSION, Expr::value(version))
            .filter(R::ID.eq(R::uuid(row.id())))
            .exec(&self.tx)
            .await
            .map_err(StoreError::orm(DOING))?;
        let mut data = json!({ "before": row.snapshot(), "after": null });
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), with_it) {
            data.extend(more);
        }
        self.audit(format!("{}.{}", R::NOUN, R::ENDED), row.id().to_string(), data).await
    }

    /// Puts on record what changes nothing: an export, a secret that was revealed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note(&mut self, action: &str, target: &str, data: Value) -> Result<(), StoreError> {
        self.audit(action.to_owned(), target.to_owned(), data).await
    }

    /// Makes it so. On disk when this returns.
    ///
    /// # Errors
    /// When the database does not answer: whether it is so is then not known.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(StoreError::orm("committing a change of the configuration"))
    }

    /// The version of this change. Its row is locked from the first call on, which puts versions in the order of
    /// commits and changes in a row.
    pub(super) async fn version(&mut self) -> Result<i64, StoreError> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let version = next_version(&self.tx).await?;
        self.version = Some(version);
        Ok(version)
    }

    pub(super) fn sealer(&self) -> Sealer<'_> {
        Sealer { keyring: self.store.keyring(), tenant: self.scope.tenant_id() }
    }

    pub(crate) fn keyring(&self) -> &postern_seal::Keyring {
        self.store.keyring()
    }

    pub(crate) async fn audit(&mut self, action: String, target: String, data: Value) -> Result<(), StoreError> {
        let change = Change { at: self.at, actor: &self.actor, action: &action, target: &target, data: &data };
        audit::append(&self.tx, self.store.keyring(), self.scope, &change).await
    }
}

/// On SQLite the write lock is taken at once: a transaction that begins by reading cannot always become a writer.
pub(crate) async fn begin_to_write(store: &Store) -> Result<DatabaseTransaction, StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    store.writer().begin_with_options(options).await.map_err(StoreError::orm("beginning a change"))
}

pub(crate) async fn next_version(tx: &DatabaseTransaction) -> Result<i64, StoreError> {
    let sql = "UPDATE config_version SET version = version + 1 WHERE id = 1 RETURNING version";
    let statement = Statement::from_string(tx.get_database_backend(), sql);
    let row = tx.query_one_raw(statement).await.map_err(StoreError::orm(DOING))?;
    let row = row.ok_or_else(|| StoreError::inconsistent("config_version", "no row"))?;
    row.try_get("", "version").map_err(StoreError::orm(DOING))
}

fn changed_fields<R: Record>(before: &R, after: &R) -> Vec<String> {
    let (old, new) = (before.snapshot(), after.snapshot());
    let mut changed: Vec<String> = before.changed_secrets(after).into_iter().map(str::to_owned).collect();
    if let (Value::Object(old), Value::Object(new)) = (&old, &new) {
        changed.extend(new.iter().filter(|(key, value)| old.get(*key) != Some(*value)).map(|(key, _)| key.clone()));
    }
    changed
}
