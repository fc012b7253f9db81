//! What a tenant begins with: a source that takes anything, a bin, and the connection between them.

use postern_domain::payload::PayloadFormat;

use super::{
    By, ConfigureError, Done, connection,
    destination::{self, NewDestination},
    run,
    source::{self, NewSource},
};
use crate::Engine;

/// Whether there is anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Now,
    /// There is such a pair already; nothing was made.
    Before,
}

/// All three or none; and however often it is asked for, at one moment too, one pair.
///
/// # Errors
/// When a field cannot be accepted, or the tenant has too many sources or destinations.
pub async fn begin(
    engine: &Engine,
    by: &By,
    (source, bin): (NewSource, NewDestination),
) -> Result<Begun, ConfigureError> {
    let (source, bin) = (source::build(engine, source)?, destination::build(engine, bin)?);
    let change = async move |tx: &mut postern_store::TenantTx| {
        if tx.has_open_pair().await? {
            return Ok(Begun::Before);
        }
        let source = source::insert(tx, source).await?;
        let bin = destination::insert(tx, bin).await?;
        connection::insert(tx, (source.id, bin.id), Vec::new(), (PayloadFormat::Raw, 0)).await?;
        Ok::<_, ConfigureError>(Begun::Now)
    };
    match run(engine, by, change, |_| (0, String::new())).await? {
        Done::Now(begun) => Ok(begun),
        Done::Before { .. } => Ok(Begun::Before),
    }
}
