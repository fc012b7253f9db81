//! Whether to poll or to take webhooks: of a source from what was measured, and before there is anything to measure from
//! four questions.

use askama::Template;

use crate::{
    Sample,
    form::{Field, Form as _},
    links,
    parts::Fact,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/poll_advice.html")]
pub struct PollAdvice {
    pub shell: Shell,
    pub source: Option<AdvisedSource>,
    /// Of what was measured, or of the answers; none before anything was answered.
    pub advice: Option<Advice>,
    pub form: QuestionForm,
}

#[derive(Clone, Debug)]
pub struct AdvisedSource {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Advice {
    /// `Take webhooks, and poll once an hour beside them.`, or that there is not enough data.
    pub verdict: String,
    pub enough_data: bool,
    pub reasons: Vec<String>,
    /// What it rests on, and how much of it there is.
    pub figures: Vec<Fact>,
    pub sample: String,
    /// What each way would cost and give.
    pub ways: Vec<WayRow>,
}

#[derive(Clone, Debug)]
pub struct WayRow {
    pub name: String,
    pub chosen: bool,
    pub calls_per_day: String,
    pub lag: String,
    pub note: String,
}

#[derive(Clone, Debug)]
pub struct QuestionForm {
    pub problem: Option<String>,
    pub offers_webhooks: Field,
    pub freshness_s: Field,
    pub objects: Field,
    pub limit_per_hour: Field,
}

crate::form_of!(QuestionForm: offers_webhooks, freshness_s, objects, limit_per_hour);

impl PollAdvice {
    #[must_use]
    pub fn here(&self) -> String {
        match &self.source {
            Some(source) => links::verb(&links::source(&self.shell.tenant_id, &source.id), "advice"),
            None => links::poll_or_webhook(&self.shell.tenant_id),
        }
    }

    #[must_use]
    pub fn source_href(&self, id: &str) -> String {
        links::source(&self.shell.tenant_id, id)
    }
}

impl Sample for PollAdvice {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let field = |name: &'static str| Field::new(name, taste.text("3600"));
            let mut form = QuestionForm {
                problem: taste.some("limit is no number"),
                offers_webhooks: rows::select("offers_webhooks", taste),
                freshness_s: field("freshness_s"),
                objects: field("objects"),
                limit_per_hour: field("limit_per_hour"),
            };
            form.objects.error = taste.some("must be a whole number");
            Self {
                shell: taste.shell(Section::Sources),
                source: taste.some_of(AdvisedSource { id: sample::id("src", 0), name: taste.name("orders") }),
                advice: taste.some_of(Advice {
                    verdict: taste.name("Take webhooks, and poll once an hour beside them."),
                    enough_data: taste == Taste::Usual,
                    reasons: taste.list(|taste, _| taste.name("98 % of the polls found nothing.")),
                    figures: rows::facts(taste),
                    sample: taste.name("8 days, 1 204 events, 2 300 runs"),
                    ways: taste.list(|taste, place| WayRow {
                        name: taste.name("poll every 5 min"),
                        chosen: place == 0,
                        calls_per_day: "288".to_owned(),
                        lag: "2 min 30 s".to_owned(),
                        note: taste.text("Loses nothing."),
                    }),
                }),
                form,
            }
        })
    }
}
