//! The steps of a call's life: from where to where, when, by whom and why.

use postern_domain::{Actor, CallId, Timestamp, call::CallState};

use crate::{
    StoreError,
    polling::{
        given::{Column, Row, bound, given, names},
        writing::{Bind, Writing},
    },
};

/// One step. Its version is the call's from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStep {
    pub version: i32,
    /// `None`: it was asked for.
    pub from: Option<CallState>,
    pub to: CallState,
    pub at: Timestamp,
    pub actor: Actor,
    pub why: String,
}

const STEP: &[Column] = &[
    Column::Uuid("call_id"),
    Column::Int("version"),
    Column::Text("from_state"),
    Column::Text("to_state"),
    Column::Long("at"),
    Column::Text("actor_kind"),
    Column::Text("actor_id"),
    Column::Text("why"),
];

pub(super) async fn write(
    tx: &mut Writing,
    doing: &'static str,
    steps: &[(CallId, &CallStep)],
) -> Result<(), StoreError> {
    let rows = steps.iter().map(|(call, step)| {
        Row::default()
            .uuid("call_id", call.uuid())
            .int("version", step.version)
            .text("from_state", step.from.map(CallState::as_str))
            .text("to_state", Some(step.to.as_str()))
            .at("at", Some(step.at))
            .text("actor_kind", Some(step.actor.kind.as_str()))
            .text("actor_id", Some(&step.actor.id))
            .text("why", Some(&step.why))
    });
    let sql = format!(
        "WITH {} INSERT INTO call_steps ({names}) SELECT {names} FROM given",
        given(tx.backend(), STEP),
        names = names(STEP)
    );
    tx.execute(doing, sql, &[Bind::Text(&bound(rows))]).await.map(|_| ())
}
