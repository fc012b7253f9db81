//! Whether to poll or to take webhooks, by a page: of a source from what was measured, and otherwise from four questions.

use actix_web::web::Data;
use postern_domain::SourceId;
use postern_frontend::{
    form::{Choice, Field, Form as _},
    format,
    pages::poll_advice::{Advice as Shown, AdvisedSource, PollAdvice, QuestionForm, WayRow},
    parts::Fact,
    shell::Section,
};
use postern_pipeline::polling::{self, Advised};
use postern_polling::advice::{
    Advice, Alternative, Inputs, Lag, LimitFrom, Loss, Method, Offered, Questions, Recommendation, first_choice,
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer},
    poll_words,
    source::find,
};
use crate::{
    App,
    auth::{Member, SourcesRead},
    path::PathId,
    problem::Problem,
    query::Query,
};

type Id = Result<PathId<SourceId>, Halt>;

/// The page's own word, for the question of a whole list, which a select asks together with the number.
const OFFERED: [(&str, Offered, &str); 4] = [
    ("unknown", Offered::Unknown, "not known"),
    ("yes", Offered::Yes, "yes"),
    ("no", Offered::No, "no"),
    ("plan_locked", Offered::PlanLocked, "only in a plan that we do not have"),
];

/// Before there is a source.
pub(super) async fn first(member: Member<SourcesRead>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let (form, questions) = asked(query?)?;
    let advice = questions.map(|questions| shown(first_choice(&questions), Told::FirstChoice));
    page(&app, &member, None, (form, advice)).await
}

/// Of a source; and while there is little to measure, from the questions too.
pub(super) async fn measured(
    member: Member<SourcesRead>,
    app: Data<App>,
    id: Id,
    query: Result<Query, Halt>,
) -> Answer {
    let (form, questions) = asked(query?)?;
    let source = find(&configured::store(&app, &member), id).await?;
    let advice = match questions {
        Some(questions) => shown(first_choice(&questions), Told::FirstChoice),
        None => {
            let advice = polling::advice(&app.engine, member.scope(), source.id).await?;
            let Advised { mut advice, alarm } = advice.ok_or_else(Problem::not_found)?;
            advice.reasons.splice(0..0, alarm.as_ref().map(poll_words::alarm));
            shown(advice, Told::Measured)
        }
    };
    let source = AdvisedSource { id: source.id.to_string(), name: source.name };
    page(&app, &member, Some(source), (form, Some(advice))).await
}

async fn page(
    app: &Data<App>,
    member: &Member<SourcesRead>,
    source: Option<AdvisedSource>,
    (form, advice): (QuestionForm, Option<Shown>),
) -> Answer {
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Sources, None, &nonce).await?;
    Ok(answer::show(&PollAdvice { shell, source, advice, form }, &nonce))
}

/// The questions as they were answered; none when nothing was, or something cannot be read.
fn asked(query: Query) -> Result<(QuestionForm, Option<Questions>), Halt> {
    let mut query = query.without_empty();
    let choices = OFFERED.map(|(word, _, label)| Choice::new(word, label));
    let offered = query.text("offers_webhooks");
    let mut form = QuestionForm {
        problem: None,
        offers_webhooks: Field::select("offers_webhooks", offered.clone().unwrap_or_default(), choices.into()),
        freshness_s: Field::new("freshness_s", query.text("freshness_s").unwrap_or_default()),
        objects: Field::new("objects", query.text("objects").unwrap_or_default()),
        limit_per_hour: Field::new("limit_per_hour", query.text("limit_per_hour").unwrap_or_default()),
    };
    query.finish()?;
    let is_asked = form.fields().iter().any(|field| !field.value.is_empty());
    let offered = OFFERED.iter().find(|(word, ..)| Some(*word) == offered.as_deref());
    let questions = Questions {
        offers_webhooks: offered.map(|(_, offered, _)| *offered).unwrap_or_default(),
        freshness_s: number(&mut form.freshness_s),
        objects: number(&mut form.objects),
        limit_per_hour: number(&mut form.limit_per_hour),
        ..Questions::default()
    };
    let questions = (is_asked && !form.has_errors()).then_some(questions);
    Ok((form, questions))
}

fn number<T: std::str::FromStr>(field: &mut Field) -> Option<T> {
    let text = field.value.trim();
    if text.is_empty() {
        return None;
    }
    let read = text.parse().ok();
    if read.is_none() {
        field.error = Some("must be a whole number".to_owned());
    }
    read
}

/// What the advice rests on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Measured,
    FirstChoice,
}

fn shown(advice: Advice, told: Told) -> Shown {
    let advised = match advice.recommendation {
        Recommendation::Poll => Some(Method::Poll),
        Recommendation::Webhook => Some(Method::Webhook),
        Recommendation::WebhookAndPoll => Some(Method::WebhookAndPoll),
        Recommendation::NotEnoughData | Recommendation::Infeasible => None,
    };
    let sample = &advice.sample;
    let sample = match told {
        Told::FirstChoice => String::new(),
        Told::Measured => format!(
            "{}, {}, {}.",
            format::counted(u64::from(sample.days), "day", "days"),
            format::counted(sample.events, "event", "events"),
            format::counted(sample.runs, "run", "runs")
        ),
    };
    Shown {
        verdict: verdict(advice.recommendation).to_owned(),
        enough_data: advice.enough_data || (told == Told::FirstChoice && advised.is_some()),
        figures: if told == Told::Measured { figures(&advice) } else { Vec::new() },
        sample,
        ways: advice.alternatives.iter().map(|way| row(way, advised, told)).collect(),
        reasons: advice.reasons,
    }
}

const fn verdict(recommendation: Recommendation) -> &'static str {
    match recommendation {
        Recommendation::NotEnoughData => "There is not enough data for advice yet.",
        Recommendation::Poll => "Poll.",
        Recommendation::Webhook => "Take webhooks.",
        Recommendation::WebhookAndPoll => "Take webhooks, and poll beside them for what they lose.",
        Recommendation::Infeasible => "Neither way meets this: ask for less freshness, or for a higher limit.",
    }
}

const fn name(method: Method) -> &'static str {
    match method {
        Method::Poll => "Polling",
        Method::Webhook => "Webhooks",
        Method::WebhookAndPoll => "Webhooks, with a poll beside them",
    }
}

fn row(way: &Alternative, advised: Option<Method>, told: Told) -> WayRow {
    let unknown = if told == Told::Measured { "not measured" } else { "little" };
    WayRow {
        name: name(way.method).to_owned(),
        chosen: advised == Some(way.method),
        calls_per_day: format::count(way.requests_per_day),
        lag: way.lag_ms.map_or_else(|| unknown.to_owned(), |ms| format::duration_us(ms.saturating_mul(1_000))),
        note: way.gives.clone(),
    }
}

fn figures(advice: &Advice) -> Vec<Fact> {
    let inputs = &advice.inputs;
    let share = |part: u64, of: u64| format!("{} ({} %)", format::count(part), format::percent(part, of));
    let lag = |label: &'static str, lag: Option<Lag>| {
        let span = |ms: u64| format::duration_us(ms.saturating_mul(1_000));
        lag.map(|lag| {
            let of = format::counted(lag.n, "event", "events");
            Fact::new(label, format!("{} in the middle, {} for 95 % of {of}", span(lag.p50_ms), span(lag.p95_ms)))
        })
    };
    let runs = inputs.runs > 0;
    let all = [
        runs.then(|| Fact::new("Runs that found nothing", share(inputs.empty_runs, inputs.runs))),
        runs.then(|| Fact::new("Requests of the poll", format::count(inputs.requests))),
        runs.then(|| Fact::new("Answered with 304", share(inputs.not_modified, inputs.requests))),
        runs.then(|| Fact::new("Changes it found", format::count(inputs.changes))),
        inputs.interval_s.map(|interval_s| Fact::new("Interval", format::span_s(u64::from(interval_s)))),
        (inputs.webhook_events > 0).then(|| {
            let requests = format::counted(inputs.webhook_requests, "request", "requests");
            Fact::new("Events by webhook", format!("{}, in {requests}", format::count(inputs.webhook_events)))
        }),
        lag("The webhook is behind by", advice.lag.webhook),
        lag("The poll is behind by", advice.lag.poll),
        advice.loss.map(lost),
        (inputs.unmatched > 0)
            .then(|| Fact::new("Changes that no webhook can be matched to", format::count(inputs.unmatched))),
    ];
    all.into_iter().flatten().chain(told(inputs).into_iter().filter(|_| runs)).collect()
}

fn lost(loss: Loss) -> Fact {
    let of = format::counted(loss.n, "event", "events");
    let [rate, low, high, never] = [loss.rate, loss.low, loss.high, loss.rate_without_late].map(|share| share * 100.0);
    let late = match loss.late {
        0 => String::new(),
        late => format!("; {} came late, so {never:.2} % never", format::count(late)),
    };
    Fact::new(
        "Not brought by the webhook in time",
        format!("{rate:.2} % of {of} (95 %: {low:.2} to {high:.2} %){late}"),
    )
}

/// What is not measured but said by somebody, or not known.
fn told(inputs: &Inputs) -> [Fact; 5] {
    const UNKNOWN: &str = "not known";
    let known = |text: Option<String>| text.unwrap_or_else(|| UNKNOWN.to_owned());
    let limit = inputs.limit_per_hour.map(|limit| {
        let by = match inputs.limit_from {
            Some(LimitFrom::Declared) => ", as the settings say",
            Some(LimitFrom::Headers) => ", as its answers say",
            None => "",
        };
        format!("{} an hour{by}", format::counted(limit, "request", "requests"))
    });
    let freshness = inputs.freshness_s.map(|freshness_s| format::span_s(u64::from(freshness_s)));
    let offered = OFFERED.iter().find(|(_, offered, _)| *offered == inputs.webhooks_offered);
    let unchanged = inputs.not_modified_is_free.map(|is_free| if is_free { "no" } else { "yes" }.to_owned());
    [
        Fact::new("Webhooks are offered", offered.map_or(UNKNOWN, |(.., label)| *label)),
        Fact::new("An event may be late by", freshness.unwrap_or_else(|| "not said".to_owned())),
        Fact::new("The provider permits", known(limit)),
        Fact::new("A 304 counts against that", known(unchanged)),
        Fact::new("Records in the whole list", known(inputs.whole_list_objects.map(format::count))),
    ]
}
