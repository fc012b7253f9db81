//! Walks the chains and names the first entry of each that does not hold.

use std::fmt;

use postern_domain::{AuditId, TenantId, TenantScope};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value as Parameter,
};
use uuid::Uuid;

use super::mac;
use crate::{
    Store, StoreError,
    entity::{
        audit_entry::{Column, Entity, Model},
        tenant,
    },
    scope::scoped,
};

const DOING: &str = "checking the audit trail";
/// Entries to a read, so that the walk never holds the database for long.
const READ_AT_ONCE: u64 = 500;

/// A tenant's chain, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub tenant: TenantId,
    /// How many entries hold, from the first on.
    pub entries: i64,
    /// The first that does not.
    pub fault: Option<AuditFault>,
}

/// Where a chain breaks, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// The place of the entry, or of the one that should be there.
    pub seq: i64,
    /// None when there is no such entry.
    pub id: Option<AuditId>,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no entry at this place, but later ones.
    Removed,
    /// The entry does not follow from the one before.
    NotLinked,
    /// A field was changed, or the entry was written without the key.
    Changed,
    /// It says that it was made with a key that is not in the keyring.
    UnknownKey(String),
    /// Entries are missing from here to the end.
    CutOff,
    /// The chain's head does not stand for its last entry.
    HeadChanged,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("the entry was removed"),
            Self::NotLinked => f.write_str("the entry does not follow from the one before"),
            Self::Changed => f.write_str("the entry was changed, or written without the key"),
            Self::UnknownKey(id) => write!(f, "the entry names key `{id}`, which is not in the keyring"),
            Self::CutOff => f.write_str("the entries from here on were removed"),
            Self::HeadChanged => f.write_str("the end of the chain was changed"),
        }
    }
}

/// What the head says, and where the entries end, at one moment.
struct End {
    head: Option<(i64, Vec<u8>)>,
    last: i64,
}

impl Store {
    /// Checks one tenant's chain (the answer is empty when there is no such tenant), or all. Reads in short steps; what
    /// is added meanwhile is left for the next time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_audit(&self, tenant: Option<TenantId>) -> Result<Vec<Verified>, StoreError> {
        let mut tenants = self.tenant_ids().await?;
        tenants.retain(|known| tenant.is_none_or(|wanted| wanted == *known));
        let mut verified = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            verified.push(self.verify_chain(tenant).await?);
        }
        Ok(verified)
    }

    async fn tenant_ids(&self) -> Result<Vec<TenantId>, StoreError> {
        let ids = tenant::Entity::find().select_only().column(tenant::Column::Id).order_by_asc(tenant::Column::Id);
        let ids: Vec<Uuid> = ids.into_tuple().all(&self.reader()).await.map_err(StoreError::orm(DOING))?;
        Ok(ids.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn verify_chain(&self, tenant: TenantId) -> Result<Verified, StoreError> {
        let end = self.end_of_chain(tenant).await?;
        let mut before = Link { seq: 0, mac: Vec::new(), key_id: String::new() };
        let broken = |entries: i64, fault: AuditFault| Verified { tenant, entries, fault: Some(fault) };
        while before.seq < end.last {
            let entries = self.entries_after(tenant, before.seq).await?;
            if entries.is_empty() {
                return Ok(broken(before.seq, AuditFault::at(before.seq + 1, FaultKind::Removed)));
            }
            for entry in entries.iter().take_while(|entry| entry.seq <= end.last) {
                if let Some(fault) = self.judge(entry, &before) {
                    return Ok(broken(before.seq, fault));
                }
                before = Link { seq: entry.seq, mac: entry.mac.clone(), key_id: entry.key_id.clone() };
            }
        }
        Ok(Verified { tenant, entries: before.seq, fault: self.judge_end(tenant, &end, &before) })
    }

    fn judge(&self, entry: &Model, before: &Link) -> Option<AuditFault> {
        let here = |kind| Some(AuditFault { seq: entry.seq, id: Some(AuditId::from_uuid(entry.id)), kind });
        if entry.seq != before.seq + 1 {
            return Some(AuditFault::at(before.seq + 1, FaultKind::Removed));
        }
        match mac::of_entry(self.keyring(), entry) {
            None => here(FaultKind::UnknownKey(entry.key_id.clone())),
            Some(mac) if mac.as_slice() != entry.mac => here(FaultKind::Changed),
            Some(_) if entry.prev != before.mac => here(FaultKind::NotLinked),
            Some(_) => None,
        }
    }

    fn judge_end(&self, tenant: TenantId, end: &End, last: &Link) -> Option<AuditFault> {
        let Some((seq, mac)) = &end.head else { return Some(AuditFault::at(last.seq, FaultKind::HeadChanged)) };
        // The making of a tenant is its first entry, so that no chain is ever empty.
        if *seq > last.seq || last.seq == 0 {
            return Some(AuditFault::at(last.seq + 1, FaultKind::CutOff));
        }
        let expected = mac::of_head(self.keyring(), &last.key_id, tenant, (last.seq, &last.mac));
        let holds = *seq == last.seq && expected.is_some_and(|expected| expected.as_slice() == mac);
        (!holds).then(|| AuditFault::at(last.seq, FaultKind::HeadChanged))
    }

    async fn entries_after(&self, tenant: TenantId, seq: i64) -> Result<Vec<Model>, StoreError> {
        scoped::<Entity>(TenantScope::from_owned_row(tenant))
            .filter(Column::Seq.gt(seq))
            .order_by_asc(Column::Seq)
            .limit(READ_AT_ONCE)
            .all(&self.reader())
            .await
            .map_err(StoreError::orm(DOING))
    }

    /// In one statement, so that a change under way cannot come between head and entries.
    async fn end_of_chain(&self, tenant: TenantId) -> Result<End, StoreError> {
        let reader = self.reader();
        let sql = "SELECT ends.last, head.seq, head.mac FROM \
                   (SELECT coalesce(max(seq), 0) AS last FROM audit_entries WHERE tenant_id = $1) ends \
                   LEFT JOIN audit_heads head ON head.tenant_id = $1";
        let statement =
            Statement::from_sql_and_values(reader.get_database_backend(), sql, [Parameter::from(tenant.uuid())]);
        let row = reader.query_one_raw(statement).await.map_err(StoreError::orm(DOING))?;
        let row = row.ok_or_else(|| StoreError::inconsistent("audit_heads", "no answer"))?;
        let column = StoreError::orm(DOING);
        let seq: Option<i64> = row.try_get("", "seq").map_err(&column)?;
        let mac: Option<Vec<u8>> = row.try_get("", "mac").map_err(&column)?;
        Ok(End { head: seq.zip(mac), last: row.try_get("", "last").map_err(&column)? })
    }
}

/// What the next entry must follow from.
struct Link {
    seq: i64,
    mac: Vec<u8>,
    key_id: String,
}

impl AuditFault {
    const fn at(seq: i64, kind: FaultKind) -> Self {
        Self { seq, id: None, kind }
    }
}
