//! One run of a poll of which nothing is kept: the API's and the page's test, and the dry run of a cursor.

use postern_domain::{SourceId, TenantScope};
use postern_pipeline::{
    configure::poll,
    polling::{self, Rehearsal, TestResult},
};
use postern_store::polling::Keys;
use serde_json::Value;

use crate::{App, problem::Problem};

/// What is to be tried.
pub(crate) struct Asked {
    /// None: those of the source.
    poll: Option<Value>,
    source: Option<SourceId>,
    /// None: where the source is.
    cursor: Option<Option<Value>>,
    keys: Keys,
}

impl Asked {
    pub(crate) const fn unsaved(poll: Value, source: Option<SourceId>) -> Self {
        Self { poll: Some(poll), source, cursor: None, keys: Keys::Same }
    }

    pub(crate) fn from(self, cursor: Option<Option<Value>>) -> Self {
        Self { cursor, ..self }
    }

    pub(crate) const fn from_cursor(source: SourceId, cursor: Option<Value>, keys: Keys) -> Self {
        Self { poll: None, source: Some(source), cursor: Some(cursor), keys }
    }
}

/// # Errors
/// When there is no such source, or the settings or the cursor cannot be used. What goes wrong in the run itself is part of
/// what was found.
pub(crate) async fn run(app: &App, scope: TenantScope, asked: Asked) -> Result<TestResult, Problem> {
    let Asked { poll: given, source, cursor, keys } = asked;
    let missing = || if given.is_some() { Problem::unknown_reference("source_id") } else { Problem::not_found() };
    let source = match source {
        Some(id) => Some(app.engine.store.tenant(scope).sources().find(id).await?.ok_or_else(missing)?),
        None => None,
    };
    let settings = match (&given, &source) {
        (Some(given), source) => poll::check(&app.engine, given, source.as_ref())?,
        (None, Some(source)) => poll::settings_of(source)?,
        (None, None) => return Err(Problem::not_found()),
    };
    let field = if given.is_some() { "cursor" } else { "to" };
    poll::check_cursor(field, &settings, cursor.as_ref().and_then(Option::as_ref))?;
    let rehearsal = Rehearsal { settings, source: source.map(|source| source.id), cursor, keys };
    Ok(polling::test(&app.engine, scope, rehearsal).await?)
}
