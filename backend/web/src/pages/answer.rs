//! What every page is answered with: its policy, its shell, its one-sentence notice.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use postern_domain::permission::Permission;
use postern_frontend::{
    Page,
    form::Form,
    links,
    shell::{Flash, Plain, Section, Shell, TenantLink, Theme, Tone},
};
use postern_pipeline::people;
use postern_seal::csrf;

use crate::{
    App,
    auth::{Member, Need, Visitor},
    problem::{Code, Problem},
};

/// Of one answer's Content-Security-Policy.
#[derive(Clone, Debug)]
pub(crate) struct Nonce(String);

impl Nonce {
    pub(crate) fn fresh() -> Self {
        Self(postern_seal::token::random_base62(22))
    }

    pub(crate) fn text(&self) -> String {
        self.0.clone()
    }
}

/// A page, under a policy that lets it load nothing that is not ours and run nothing that is not named.
pub(crate) fn html(status: StatusCode, page: &impl Page, nonce: &Nonce) -> HttpResponse {
    let Ok(text) = page.html() else {
        return actix_web::ResponseError::error_response(&Problem::internal(&"a page could not be shown"));
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{}'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types htmx",
        nonce.0
    );
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header(("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response.body(text)
}

/// Tells a program too how long to wait; a person reads it on the page.
pub(crate) fn retry_after(mut response: HttpResponse, wait_s: u64) -> HttpResponse {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

/// 200.
pub(crate) fn show(page: &impl Page, nonce: &Nonce) -> HttpResponse {
    html(StatusCode::OK, page, nonce)
}

/// What a form ends in when it did what it should.
pub(crate) fn see_other(path: &str) -> HttpResponse {
    let mut response = HttpResponse::SeeOther().finish();
    if let Ok(value) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// The same, with a sentence about what was done: one of [`notice`]'s words.
pub(crate) fn done(path: &str, word: &str) -> HttpResponse {
    see_other(&links::with_query(path, &[("done", word)]))
}

/// Sentences by their word in the URL; a word of somebody else's says nothing.
fn notice(word: &str) -> Option<Flash> {
    let text = match word {
        "created" => "Created.",
        "saved" => "Saved.",
        "unchanged" => "Nothing was changed.",
        "deleted" => "Deleted.",
        "paused" => "Paused. What comes for it waits.",
        "resumed" => "Resumed.",
        "retried" => "It is tried again now.",
        "cancelled" => "Cancelled.",
        "redriven" => "This is the same call once more.",
        "revoked" => "Revoked: the key opens nothing any more.",
        "rotated" => "The source has a new URL. Give it to the sender.",
        "awaiting" => "For an hour the sender may hand over its secret.",
        "added" => "Added.",
        "removed" => "Removed.",
        "password" => "The password was changed, and your other sessions have ended.",
        "ended" => "The session has ended.",
        "theme" => "Saved.",
        "asked" => "A run was asked for. It begins within a second or two.",
        "moved" => "The cursor was moved. The next run goes on from there.",
        "released" => "They are delivered now.",
        "discarded" => "Discarded: they stay on record, and are delivered nowhere.",
        "sent" => "A test event was taken in, as if it had come by the URL.",
        _ => return None,
    };
    Some(Flash { tone: Tone::Ok, text: text.to_owned() })
}

/// The shell around a page of a tenant. `done` is the word of what the last form did.
pub(crate) async fn shell<N: Need>(
    app: &App,
    member: &Member<N>,
    section: Section,
    done: Option<&str>,
    nonce: &Nonce,
) -> Result<Shell, Problem> {
    let here = member.membership.tenant;
    let tenants = people::memberships(&app.engine, member.person.user).await?;
    let tenants = tenants.into_iter().map(|other| TenantLink {
        name: other.tenant_name,
        href: links::overview(&other.tenant.to_string()),
        current: other.tenant == here,
    });
    Ok(Shell {
        tenant_id: here.to_string(),
        tenant_name: member.membership.tenant_name.clone(),
        tenants: tenants.collect(),
        email: member.person.email.clone(),
        role: member.role().as_str().to_owned(),
        can_write: member.may(Permission::SourcesWrite),
        can_admin: member.may(Permission::MembersWrite),
        section,
        csrf: token(app, member),
        flash: done.and_then(notice),
        live_href: None,
        theme: theme(member),
        nonce: nonce.text(),
    })
}

/// The shell of a page about the visitor alone: around it the first of his tenants, if he has any.
pub(crate) async fn own_shell(
    app: &App,
    visitor: &Visitor,
    done: Option<&str>,
    nonce: &Nonce,
) -> Result<Shell, Problem> {
    let memberships = people::memberships(&app.engine, visitor.person.user).await?;
    let first = memberships.first();
    let tenants = memberships.iter().map(|other| TenantLink {
        name: other.tenant_name.clone(),
        href: links::overview(&other.tenant.to_string()),
        current: first.is_some_and(|first| first.tenant == other.tenant),
    });
    Ok(Shell {
        tenant_id: first.map(|first| first.tenant.to_string()).unwrap_or_default(),
        tenant_name: first.map(|first| first.tenant_name.clone()).unwrap_or_default(),
        tenants: tenants.collect(),
        email: visitor.person.email.clone(),
        role: first.map(|first| first.role.as_str().to_owned()).unwrap_or_default(),
        can_write: first.is_some_and(|first| first.role.permissions().contains(&Permission::SourcesWrite)),
        can_admin: first.is_some_and(|first| first.role.permissions().contains(&Permission::MembersWrite)),
        section: Section::Account,
        csrf: token(app, visitor),
        flash: done.and_then(notice),
        theme: theme(visitor),
        nonce: nonce.text(),
        ..Shell::default()
    })
}

/// What surrounds a page of a person that belongs to no tenant.
pub(crate) fn plain(app: &App, visitor: &Visitor, nonce: &Nonce) -> Plain {
    Plain { csrf: token(app, visitor), nonce: nonce.text(), theme: theme(visitor) }
}

fn token(app: &App, visitor: &Visitor) -> String {
    csrf::token(app.engine.store.keyring(), &visitor.person.session.to_string())
}

fn theme(visitor: &Visitor) -> Theme {
    Theme::parse(visitor.person.theme.as_str()).unwrap_or_default()
}

/// Puts what is wrong beside the fields it is about. False: it is not about the input, and the form is no place for it.
pub(crate) fn explain(form: &mut impl Form, problem: &Problem) -> bool {
    let about_input = matches!(
        problem.code(),
        Code::InvalidFields | Code::LimitReached | Code::AlreadyExists | Code::WrongState | Code::PermissionMissing
    );
    if about_input {
        for error in problem.errors() {
            form.set_error(&error.field, &error.detail);
        }
        if problem.errors().is_empty() {
            form.set_problem(problem.detail().to_owned());
        }
    }
    about_input
}
