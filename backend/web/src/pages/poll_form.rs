//! Making and changing what a source polls, by a form that can be tried before it is saved.

use actix_web::{http::StatusCode, web::Data};
use postern_domain::{Invalid, source::SourceKind};
use postern_frontend::{
    form::{Field, Form},
    links,
    pages::{
        poll_form::{PollEditor, PollForm, PollOf},
        poll_templates::PollTemplates,
        provider_list::ProviderLink,
    },
    parts::Link,
    shell::Section,
};
use postern_pipeline::{
    configure::{
        poll,
        source::{self as verbs, NewSource, SourceChange},
    },
    polling::TestResult,
};
use postern_polling::templates::{self, PollTemplate};
use postern_store::{polling::Restart, tenant::Source};
use serde_json::Value;

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as rows, Answer, Deletion},
    poll_fields as fields, poll_inputs as inputs,
    poll_secrets::{self as secrets, Kept},
    poll_tried::{self, InForm},
    poll_words as words,
    posted::Posted,
    source::find,
};
use crate::{
    App,
    auth::{Member, SourcesWrite},
    path::PathId,
    poll_trial::{self, Asked},
    problem::Problem,
    query::Query,
};

type Id = Result<PathId<postern_domain::SourceId>, Halt>;

/// The form that stands for "with nothing filled in".
const BLANK: &str = "none";

/// First what to begin with, then the form.
pub(super) async fn new(app: &Data<App>, member: &Member<SourcesWrite>, template: Option<String>) -> Answer {
    begin(app, member, None, template).await
}

/// Of a source that polls its settings; of a webhook source that does not yet, first what to begin with.
pub(super) async fn edit(member: Member<SourcesWrite>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let template = query.text("template");
    query.finish()?;
    let source = pollable(&app, &member, id).await?;
    if source.poll.is_none() {
        return begin(&app, &member, Some(&source), template).await;
    }
    let shown = poll::settings_of(&source).map_err(Problem::from)?.shown();
    let mut form = blank(Some(&source));
    fields::fill(&mut form, &shown);
    page(&app, &member, StatusCode::OK, Shown::of(form, Some(&source))).await
}

async fn begin(
    app: &Data<App>,
    member: &Member<SourcesWrite>,
    source: Option<&Source>,
    template: Option<String>,
) -> Answer {
    let mut form = blank(source);
    match template.as_deref() {
        Some(BLANK) => {}
        Some(id) => match templates::all().into_iter().find(|known| known.id == id) {
            Some(known) => fields::fill(&mut form, &fields::without_places(known.settings)),
            None => return choose(app, member, source).await,
        },
        None => return choose(app, member, source).await,
    }
    page(app, member, StatusCode::OK, Shown { template: template.unwrap_or_default(), ..Shown::of(form, source) }).await
}

async fn choose(app: &Data<App>, member: &Member<SourcesWrite>, source: Option<&Source>) -> Answer {
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Sources, None, &nonce).await?;
    let here = match source {
        Some(source) => links::verb(&links::source(&shell.tenant_id, &source.id.to_string()), "poll/edit"),
        None => links::with_query(&shell.to("sources/new"), &[("provider", "poll")]),
    };
    let link = |known: PollTemplate| ProviderLink {
        href: links::with_query(&here, &[("template", &known.id)]),
        name: known.name,
        text: known.about,
        trust: None,
    };
    let view = PollTemplates {
        beside: source.map(|source| (source.id.to_string(), source.name.clone())),
        templates: templates::all().into_iter().map(link).collect(),
        blank_href: links::with_query(&here, &[("template", BLANK)]),
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

pub(super) async fn create(app: &Data<App>, member: &Member<SourcesWrite>, posted: Posted) -> Answer {
    let sent = Sent::read(app, member, &posted, None);
    if let Some(shown) = sent.asked_about(app, member).await? {
        return shown;
    }
    let tried = match &sent.settings {
        Ok(settings) => {
            let new = NewSource {
                poll: Some(settings.clone()),
                ..NewSource::named(posted.text("name").to_owned(), SourceKind::Poll)
            };
            verbs::create(&app.engine, &member.by(), new, rows::forget).await.map_err(Problem::from)
        }
        Err(invalid) => Err(invalid.clone().into()),
    };
    match tried {
        Ok(done) => {
            let id = rows::made(done)?.id.to_string();
            Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id), "created"))
        }
        Err(problem) => sent.refused(app, member, problem).await,
    }
}

pub(super) async fn save(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let source = pollable(&app, &member, id).await?;
    let sent = Sent::read(&app, &member, &posted, Some(&source));
    if let Some(shown) = sent.asked_about(&app, &member).await? {
        return shown;
    }
    let tried = match &sent.settings {
        Ok(settings) => {
            let is_own = source.kind == SourceKind::Poll;
            let change = SourceChange {
                name: is_own.then(|| posted.text("name").to_owned()),
                poll: Some(Some(settings.clone())),
                poll_restart: restart_said(&posted),
                ..SourceChange::default()
            };
            verbs::update(&app.engine, &member.by(), (source.id, change), rows::forget).await.map_err(Problem::from)
        }
        Err(invalid) => Err(invalid.clone().into()),
    };
    match tried {
        Ok(done) => {
            let after = rows::made(done)?;
            let word = if after.updated_at == source.updated_at { "unchanged" } else { "saved" };
            Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &after.id.to_string()), word))
        }
        Err(problem) => sent.refused(&app, &member, problem).await,
    }
}

/// Asks before the poll beside a webhook ends.
pub(super) async fn confirm(member: Member<SourcesWrite>, app: Data<App>, id: Id) -> Answer {
    let source = channel(&app, &member, id).await?;
    let cancel_href = links::source(&member.membership.tenant.to_string(), &source.id.to_string());
    let asked = Deletion {
        verb: "Stop polling",
        thing: source.name,
        consequences: vec![
            "What its webhook loses is not found any more.".to_owned(),
            "Its cursor and what it remembers of records are deleted. The webhook stays as it is.".to_owned(),
        ],
        here: links::verb(&cancel_href, "poll"),
        cancel_href,
    };
    rows::confirm(&app, &member, Section::Sources, asked).await
}

pub(super) async fn delete(member: Member<SourcesWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let source = channel(&app, &member, id).await?;
    let change = SourceChange { poll: Some(None), ..SourceChange::default() };
    rows::made(verbs::update(&app.engine, &member.by(), (source.id, change), rows::forget).await?)?;
    Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &source.id.to_string()), "removed"))
}

/// A source that polls, or may.
async fn pollable(app: &App, member: &Member<SourcesWrite>, id: Id) -> Result<Source, Halt> {
    let source = find(&rows::store(app, member), id).await?;
    match source.kind {
        SourceKind::Poll | SourceKind::Webhook => Ok(source),
        SourceKind::Publish | SourceKind::Schedule => Err(Problem::not_found().into()),
    }
}

async fn channel(app: &App, member: &Member<SourcesWrite>, id: Id) -> Result<Source, Halt> {
    let source = find(&rows::store(app, member), id).await?;
    let is_channel = source.kind == SourceKind::Webhook && source.poll.is_some();
    if is_channel { Ok(source) } else { Err(Problem::not_found().into()) }
}

fn restart_said(posted: &Posted) -> Option<Restart> {
    match posted.text("restart") {
        "keep" => Some(Restart::Keep),
        "again" => Some(Restart::Prime),
        "fresh" => Some(Restart::Fresh),
        _ => None,
    }
}

fn blank(source: Option<&Source>) -> PollForm {
    let is_channel = source.is_some_and(|source| source.kind == SourceKind::Webhook);
    let name = source.filter(|_| !is_channel).map(|source| source.name.clone()).unwrap_or_default();
    let mut form = PollForm {
        problem: None,
        name: Field::new("name", name),
        groups: inputs::asked(),
        more: inputs::seldom(is_channel),
    };
    form.fill("poll.schedule.interval_s", if is_channel { "900" } else { "300" });
    form
}

/// What came with the form.
struct Sent<'a> {
    posted: &'a Posted,
    source: Option<&'a Source>,
    kept: Kept,
    settings: Result<Value, Invalid>,
}

/// What the page shows.
struct Shown<'a> {
    form: PollForm,
    source: Option<&'a Source>,
    template: String,
    kept: String,
    tried: Option<TestResult>,
    restart: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(form: PollForm, source: Option<&'a Source>) -> Self {
        Self { form, source, template: String::new(), kept: String::new(), tried: None, restart: None }
    }
}

impl<'a> Sent<'a> {
    fn read(app: &App, member: &Member<SourcesWrite>, posted: &'a Posted, source: Option<&'a Source>) -> Self {
        let kept = Kept::of(app, member, posted);
        let mut settings = fields::read(posted, &blank(source));
        if let Ok(settings) = &mut settings {
            kept.fill(settings);
        }
        Self { posted, source, kept, settings }
    }

    /// The form as it was typed, its secrets masked.
    fn shown(&self, app: &App, member: &Member<SourcesWrite>) -> Shown<'a> {
        let mut form = blank(self.source);
        for field in form.fields_mut() {
            if !self.posted.all(&field.name).is_empty() {
                self.posted.text(&field.name).clone_into(&mut field.value);
            }
        }
        secrets::mask(&mut form);
        Shown {
            template: self.posted.text("template").to_owned(),
            kept: self.kept.sealed(app, member),
            ..Shown::of(form, self.source)
        }
    }

    /// Of a button that saves nothing, and of a change that needs a word more: the page again.
    async fn asked_about(&self, app: &Data<App>, member: &Member<SourcesWrite>) -> Result<Option<Answer>, Halt> {
        let settings = match (&self.settings, self.posted.text("do")) {
            (Ok(settings), word) => (settings, word),
            (Err(invalid), "test" | "preview") => {
                return Ok(Some(self.refused(app, member, invalid.clone().into()).await));
            }
            (Err(_), _) => return Ok(None),
        };
        match settings {
            (settings, "test") => Ok(Some(self.test(app, member, settings).await)),
            (settings, "preview") => {
                let checked = poll::check(&app.engine, settings, self.source);
                Ok(Some(match checked {
                    Ok(_) => page(app, member, StatusCode::OK, self.shown(app, member)).await,
                    Err(invalid) => self.refused(app, member, invalid.into()).await,
                }))
            }
            (settings, _) => {
                let Some(why) = self.needs_word(app, settings) else { return Ok(None) };
                let shown = Shown { restart: Some(why), ..self.shown(app, member) };
                Ok(Some(page(app, member, StatusCode::OK, shown).await))
            }
        }
    }

    async fn test(&self, app: &Data<App>, member: &Member<SourcesWrite>, settings: &Value) -> Answer {
        let asked = Asked::unsaved(settings.clone(), self.source.map(|source| source.id));
        match poll_trial::run(app, member.scope(), asked).await {
            Ok(tried) => {
                let shown = Shown { tried: Some(tried), ..self.shown(app, member) };
                page(app, member, StatusCode::OK, shown).await
            }
            Err(problem) => self.refused(app, member, problem).await,
        }
    }

    /// Of a change that makes an end of how far was read.
    fn needs_word(&self, app: &App, settings: &Value) -> Option<String> {
        let before = poll::settings_of(self.source?).ok()?;
        let after = poll::check(&app.engine, settings, self.source).ok()?;
        let is_needed = restart_said(self.posted).is_none() && after.restarts(&before);
        is_needed.then(|| "The URL, the items, their identity or the kind of the cursor changes.".to_owned())
    }

    async fn refused(&self, app: &Data<App>, member: &Member<SourcesWrite>, problem: Problem) -> Answer {
        let mut shown = self.shown(app, member);
        if !answer::explain(&mut shown.form, &problem) {
            return Err(problem.into());
        }
        page(app, member, problem.code().status(), shown).await
    }
}

async fn page(app: &Data<App>, member: &Member<SourcesWrite>, status: StatusCode, shown: Shown<'_>) -> Answer {
    let nonce = Nonce::fresh();
    let (schedule, id) = (fields::schedule(&shown.form), shown.source.map(|source| source.id));
    let template = templates::all().into_iter().find(|known| known.id == shown.template);
    let wanted = template.iter().flat_map(|known| &known.fields);
    let wanted = wanted.map(|field| format!("{}, such as {}", field.label, field.example)).collect();
    let view = PollEditor {
        shell: answer::shell(app, member, Section::Sources, None, &nonce).await?,
        id: shown.source.map(|source| source.id.to_string()),
        title: shown.source.map(|source| source.name.clone()).unwrap_or_default(),
        of: match shown.source {
            None => PollOf::Source,
            Some(source) if source.kind == SourceKind::Poll => PollOf::Source,
            Some(source) if source.poll.is_some() => PollOf::Channel,
            Some(_) => PollOf::NewChannel,
        },
        upcoming: schedule
            .as_ref()
            .map(|schedule| fields::upcoming(schedule, id, app.engine.clock.now()))
            .unwrap_or_default(),
        every: schedule.as_ref().map(words::every).unwrap_or_default(),
        wanted,
        docs: template.map(|known| Link { href: known.docs_url, text: known.about }),
        template: shown.template,
        kept: shown.kept,
        tried: shown.tried.map(|found| poll_tried::shown(found, InForm::Yes)),
        restart: shown.restart,
        form: shown.form,
    };
    Ok(answer::html(status, &view, &nonce))
}
