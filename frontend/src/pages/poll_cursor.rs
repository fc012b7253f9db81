//! How far a source was read: where it stands, who moved it, and where it would begin from somewhere else.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form as _},
    format::Moment,
    links,
    parts::{Fact, Paging},
    poll::{CursorStep, Tried},
    sample::{self, Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/poll_cursor.html")]
pub struct PollCursor {
    pub shell: Shell,
    /// Of the source.
    pub id: String,
    pub name: String,
    pub facts: Vec<Fact>,
    pub form: MoveForm,
    /// What a run from there would find.
    pub tried: Option<Tried>,
    /// Only once that was seen.
    pub can_move: bool,
    pub moves: Vec<MoveRow>,
    pub paging: Paging,
}

#[derive(Clone, Debug)]
pub struct MoveForm {
    pub problem: Option<String>,
    pub to: Field,
    pub reason: Field,
    /// Whether what was seen before comes again.
    pub replay: Field,
}

crate::form_of!(MoveForm: to, reason, replay);

impl Default for MoveForm {
    fn default() -> Self {
        let choices = [Choice::new("no", "is not sent again"), Choice::new("yes", "is sent again, as new events")];
        Self {
            problem: None,
            to: Field::new("to", "").labelled("New cursor"),
            reason: Field::new("reason", "").labelled("Why"),
            replay: Field::select("replay", "no", choices.into()).labelled("What was seen before"),
        }
    }
}

/// One move, by a person or by a run.
#[derive(Clone, Debug)]
pub struct MoveRow {
    pub at: Moment,
    pub who: String,
    pub why: String,
    pub step: CursorStep,
}

impl PollCursor {
    #[must_use]
    pub fn source_href(&self) -> String {
        links::source(&self.shell.tenant_id, &self.id)
    }

    #[must_use]
    pub fn here(&self) -> String {
        links::verb(&self.source_href(), "cursor")
    }
}

impl Sample for PollCursor {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let mut form = MoveForm::default();
            form.to.value = taste.text("2026-11-22T12:00:00Z");
            if taste == Taste::Hostile {
                form.set_error("reason", &taste.name(""));
                form.problem = taste.some("");
            }
            let step = |taste: Taste| CursorStep { from: taste.name("none"), to: taste.name("2026-11-22") };
            Self {
                shell: taste.shell(Section::Sources),
                id: sample::id("src", 0),
                name: taste.name("orders"),
                facts: rows::facts(taste),
                form,
                can_move: taste.is_full(),
                tried: taste.some_of(Tried { fix: None, ..Tried::sample(taste) }),
                moves: taste.list(|taste, place| MoveRow {
                    at: sample::moment(place),
                    who: taste.name("ops@example.com"),
                    why: taste.text("The provider had lost a day."),
                    step: step(taste),
                }),
                paging: rows::paging(taste),
            }
        })
    }
}
