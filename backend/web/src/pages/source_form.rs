//! Making and changing a source by a form.

use actix_web::{http::StatusCode, web::Data};
use postern_domain::{
    Invalid, Secret,
    answer::AnswerSpec,
    dedup::DedupSpec,
    intake::Replay,
    source::{HeaderToken, SourceKind},
};
use postern_frontend::{
    form::Form,
    links,
    pages::source_form::{SourceEditor, SourceForm},
    shell::Section,
};
use postern_pipeline::{
    configure::source::{self as verbs, NewSource, SourceChange},
    providers,
};
use postern_store::tenant::Source;
use serde_json::Map;

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as rows, Answer},
    generic::{POLL, PUBLISH, SCHEDULE},
    poll_form,
    posted::Posted,
    provider_list,
    sender::Chosen,
    source::find,
    source_config, source_schedule,
};
use crate::{
    App,
    auth::{Member, SourcesWrite},
    path::PathId,
    problem::Problem,
    query::Query,
};

type Id = Result<PathId<postern_domain::SourceId>, Halt>;

/// First who sends, then what that one needs.
pub(super) async fn new(member: Member<SourcesWrite>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let (sender, scheme, sought) = (query.text("provider"), query.text("scheme"), query.text("q"));
    let template = query.text("template");
    query.finish()?;
    if sender.as_deref() == Some(POLL) {
        return poll_form::new(&app, &member, template).await;
    }
    let chosen = sender.as_deref().and_then(|id| Chosen::new(providers::known(&app.engine), id, scheme.as_deref()));
    match chosen {
        Some(chosen) => page(&app, &member, StatusCode::OK, (chosen, None), chosen.form()).await,
        // Who is not known may be found by a part of the name.
        None => provider_list::page(&app, &member, sought.or(sender).unwrap_or_default()).await,
    }
}

pub(super) async fn edit(member: Member<SourcesWrite>, app: Data<App>, id: Id) -> Answer {
    let source = find(&rows::store(&app, &member), id).await?;
    if source.kind == SourceKind::Poll {
        let here = links::source(&member.membership.tenant.to_string(), &source.id.to_string());
        return Ok(answer::see_other(&links::verb(&here, "poll/edit")));
    }
    let chosen = Chosen::of(providers::known(&app.engine), &source);
    page(&app, &member, StatusCode::OK, (chosen, Some(&source)), filled(chosen, &source)).await
}

pub(super) async fn create(member: Member<SourcesWrite>, app: Data<App>, posted: Posted) -> Answer {
    let (sender, scheme) = (posted.text("provider"), posted.optional("scheme"));
    if sender == POLL {
        return poll_form::create(&app, &member, posted).await;
    }
    let Some(chosen) = Chosen::new(providers::known(&app.engine), sender, scheme.as_deref()) else {
        return provider_list::page(&app, &member, sender.to_owned()).await;
    };
    let tried = match read_new(&posted, chosen) {
        Ok(new) => verbs::create(&app.engine, &member.by(), new, rows::forget).await.map_err(Problem::from),
        Err(invalid) => Err(invalid.into()),
    };
    match tried {
        Ok(done) => {
            let id = rows::made(done)?.id.to_string();
            Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id), "created"))
        }
        Err(problem) => again(&app, &member, (chosen, None), &posted, problem).await,
    }
}

pub(super) async fn save(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let source = find(&rows::store(&app, &member), id).await?;
    let chosen = Chosen::of(providers::known(&app.engine), &source);
    let tried = match read_change(&posted, chosen, &source) {
        Ok(change) => {
            let change = (source.id, change);
            verbs::update(&app.engine, &member.by(), change, rows::forget).await.map_err(Problem::from)
        }
        Err(invalid) => Err(invalid.into()),
    };
    match tried {
        Ok(done) => {
            let after = rows::made(done)?;
            let word = if after.updated_at == source.updated_at { "unchanged" } else { "saved" };
            Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &after.id.to_string()), word))
        }
        Err(problem) => again(&app, &member, (chosen, Some(&source)), &posted, problem).await,
    }
}

/// Who sends, and the source if there is one already.
type Subject<'a> = (Chosen<'a>, Option<&'a Source>);

/// The form as it was typed, without its secrets, and with what is wrong beside its fields.
async fn again(
    app: &Data<App>,
    member: &Member<SourcesWrite>,
    subject: Subject<'_>,
    posted: &Posted,
    problem: Problem,
) -> Answer {
    let (chosen, source) = subject;
    let mut form = source.map_or_else(|| chosen.form(), |source| filled(chosen, source));
    for field in form.fields_mut() {
        // Who sends was chosen before; a field that this sender does not have was not sent.
        let is_kept = ["provider", "scheme", "secrets", "header_token.value"].contains(&&*field.name);
        if !is_kept && !posted.all(&field.name).is_empty() {
            posted.text(&field.name).clone_into(&mut field.value);
        }
    }
    if !answer::explain(&mut form, &problem) {
        return Err(problem.into());
    }
    page(app, member, problem.code().status(), subject, form).await
}

async fn page(
    app: &Data<App>,
    member: &Member<SourcesWrite>,
    status: StatusCode,
    (chosen, source): Subject<'_>,
    form: SourceForm,
) -> Answer {
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Sources, None, &nonce).await?;
    let view = SourceEditor {
        id: source.map(|source| source.id.to_string()),
        title: source.map(|source| source.name.clone()).unwrap_or_default(),
        sender: chosen.view(&shell.to("sources/new"), source),
        form,
        shell,
    };
    Ok(answer::html(status, &view, &nonce))
}

fn filled(chosen: Chosen<'_>, source: &Source) -> SourceForm {
    let mut form = chosen.form();
    form.name.value.clone_from(&source.name);
    source_config::fill(&mut form, &source.config);
    if let Some(schedule) = &source.schedule {
        source_schedule::fill(&mut form, schedule);
    }
    form.public_keys.value = source.public_keys.join("\n\n");
    form.public_url.value = source.public_url.clone().unwrap_or_default();
    form.fill("dedup.key", source.dedup.key.as_str());
    form.fill("dedup.window_s", source.dedup.window_s.to_string());
    form.fill("replay", word(source.intake.replay));
    form.fill("allowed_ips", source.allowed_ips.to_strings().join("\n"));
    form.fill("allowed_methods", source.intake.allowed_methods.join(", "));
    form.fill("content_types", source.intake.content_types.join("\n"));
    form.fill("header_token.name", source.header_token.as_ref().map_or("", |token| &token.name));
    form.fill("max_body_bytes", source.max_body_bytes.to_string());
    if let Some(own) = &source.answer {
        form.fill("response.status", own.status.to_string());
        form.fill("response.content_type", own.content_type.as_str());
        form.fill("response.body", own.body.as_str());
    }
    form
}

fn read_new(posted: &Posted, chosen: Chosen<'_>) -> Result<NewSource, Invalid> {
    if matches!(chosen, Chosen::Generic(generic) if generic.id == SCHEDULE) {
        let schedule = Some(source_schedule::read(posted)?);
        let new = NewSource::named(posted.text("name").to_owned(), SourceKind::Schedule);
        return Ok(NewSource { schedule, ..new });
    }
    let (provider, scheme) = match chosen {
        Chosen::Preset(preset, scheme) => (Some(preset.id.clone()), Some(scheme.id.clone())),
        Chosen::Generic(generic) => (None, Some(generic.id.to_owned()).filter(|id| id != PUBLISH)),
        Chosen::Unknown(word) => (Some(word.to_owned()), None),
    };
    let is_publish = provider.is_none() && scheme.is_none();
    let kind = if is_publish { SourceKind::Publish } else { SourceKind::Webhook };
    Ok(NewSource {
        provider,
        scheme,
        secrets: secrets(posted).unwrap_or_default(),
        public_keys: public_keys(posted.text("public_keys")),
        config: if is_publish { None } else { Some(source_config::read(posted, &chosen.form(), Map::new())?) },
        public_url: posted.optional("public_url"),
        allowed_ips: posted.lines("allowed_ips"),
        allowed_methods: methods(posted),
        content_types: posted.lines("content_types"),
        replay: replay(posted)?,
        header_token: header_token(posted, None)?,
        dedup: dedup(posted)?,
        answer: own_answer(posted)?,
        max_body_bytes: posted.number("max_body_bytes")?,
        ..NewSource::named(posted.text("name").to_owned(), kind)
    })
}

/// What the form of this sender does not ask stays as it is.
fn read_change(posted: &Posted, chosen: Chosen<'_>, source: &Source) -> Result<SourceChange, Invalid> {
    if source.kind == SourceKind::Schedule {
        let (name, schedule) = (Some(posted.text("name").to_owned()), Some(source_schedule::read(posted)?));
        return Ok(SourceChange { name, schedule, ..SourceChange::default() });
    }
    let is_webhook = source.kind == SourceKind::Webhook;
    let asks = |name: &str| is_webhook && !posted.all(name).is_empty();
    let kept = source.config.as_object().cloned().unwrap_or_default();
    Ok(SourceChange {
        name: Some(posted.text("name").to_owned()),
        secrets: secrets(posted),
        public_keys: asks("public_keys").then(|| public_keys(posted.text("public_keys"))),
        config: if is_webhook { Some(source_config::read(posted, &chosen.form(), kept)?) } else { None },
        public_url: asks("public_url").then(|| posted.optional("public_url")),
        allowed_ips: asks("allowed_ips").then(|| posted.lines("allowed_ips")),
        allowed_methods: asks("allowed_methods").then(|| methods(posted)),
        content_types: asks("content_types").then(|| posted.lines("content_types")),
        replay: if is_webhook { replay(posted)? } else { None },
        header_token: if asks("header_token.name") {
            Some(header_token(posted, source.header_token.as_ref())?)
        } else {
            None
        },
        dedup: dedup(posted)?,
        answer: if asks("response.status") { Some(own_answer(posted)?) } else { None },
        max_body_bytes: posted.number("max_body_bytes")?,
        ..SourceChange::default()
    })
}

/// None typed: those that are kept stay.
fn secrets(posted: &Posted) -> Option<Vec<Secret<String>>> {
    let lines = posted.lines("secrets");
    (!lines.is_empty()).then(|| lines.into_iter().map(Secret::new).collect())
}

/// A key in PEM or as a JWK has several lines and ends where the next begins; any other has one.
fn public_keys(text: &str) -> Vec<String> {
    const PEM: &str = "-----BEGIN";
    let text = text.replace("\r\n", "\n");
    let text = text.replace(PEM, &format!("\n\n{PEM}"));
    let mut keys = Vec::new();
    for block in text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        if block.starts_with(PEM) || block.starts_with('{') {
            keys.push(block.to_owned());
        } else {
            keys.extend(block.lines().map(str::trim).map(str::to_owned));
        }
    }
    keys
}

fn methods(posted: &Posted) -> Vec<String> {
    let text = posted.text("allowed_methods");
    text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

const REPLAYS: [(&str, Replay); 3] = [("flag", Replay::Flag), ("refuse", Replay::Refuse), ("allow", Replay::Allow)];

fn word(replay: Replay) -> &'static str {
    REPLAYS.iter().find(|(_, known)| *known == replay).map_or("", |(word, _)| word)
}

fn replay(posted: &Posted) -> Result<Option<Replay>, Invalid> {
    let Some(text) = posted.optional("replay") else { return Ok(None) };
    let known = REPLAYS.iter().find(|(word, _)| *word == text);
    known.map(|(_, replay)| Some(*replay)).ok_or_else(|| Invalid::new("replay", "must be flag, refuse or allow"))
}

/// No name: none. No value: the one that is kept, if the name is the same.
fn header_token(posted: &Posted, kept: Option<&HeaderToken>) -> Result<Option<HeaderToken>, Invalid> {
    let Some(name) = posted.optional("header_token.name") else { return Ok(None) };
    let typed = posted.optional("header_token.value").map(Secret::new);
    let value = match (typed, kept) {
        (Some(typed), _) => typed,
        (None, Some(kept)) if kept.name.eq_ignore_ascii_case(&name) => kept.value.clone(),
        (None, _) => Secret::new(String::new()),
    };
    HeaderToken::parse(&name, value).map(Some)
}

fn dedup(posted: &Posted) -> Result<Option<DedupSpec>, Invalid> {
    let default = DedupSpec::default();
    Ok(Some(DedupSpec {
        key: posted.optional("dedup.key").unwrap_or(default.key),
        window_s: posted.number("dedup.window_s")?.unwrap_or(default.window_s),
    }))
}

/// All three empty: as usual.
fn own_answer(posted: &Posted) -> Result<Option<AnswerSpec>, Invalid> {
    let status = posted.number("response.status")?;
    let content_type = posted.optional("response.content_type");
    let body = posted.text("response.body").replace("\r\n", "\n");
    if status.is_none() && content_type.is_none() && body.is_empty() {
        return Ok(None);
    }
    let content_type = content_type.unwrap_or_else(|| "application/json".to_owned());
    Ok(Some(AnswerSpec { status: status.unwrap_or(200), content_type, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_where_the_next_begins() {
        let pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
        assert_eq!(public_keys(&format!("{pem}\r\n{pem}\n")), [pem, pem]);
        assert_eq!(
            public_keys("whpk_a\nwhpk_b\n\n{\n \"kty\": \"EC\"\n}"),
            ["whpk_a", "whpk_b", "{\n \"kty\": \"EC\"\n}"]
        );
        assert!(public_keys(" \r\n ").is_empty());
    }
}
