//! Who belongs to a tenant, and as what.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
    format::Moment,
    sample::{self, Taste},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/members.html")]
pub struct MemberList {
    pub shell: Shell,
    pub rows: Vec<MemberRow>,
    pub form: MemberForm,
}

#[derive(Clone, Debug)]
pub struct MemberRow {
    pub id: String,
    pub email: String,
    /// A select named `role`.
    pub role: Field,
    pub joined: Moment,
    pub is_you: bool,
    /// They have a password.
    pub can_log_in: bool,
    /// The last owner stays one, and nobody rises above who raises.
    pub can_change: bool,
    /// To the page that asks before it removes.
    pub remove_href: Option<String>,
}

/// Names: `email`, `role`, `password`.
#[derive(Clone, Debug)]
pub struct MemberForm {
    pub problem: Option<String>,
    pub email: Field,
    pub role: Field,
    pub password: Field,
}

crate::form_of!(MemberForm: email, role, password);

impl Default for MemberForm {
    fn default() -> Self {
        Self {
            problem: None,
            email: Field::new("email", ""),
            role: role("viewer"),
            password: Field::new("password", ""),
        }
    }
}

/// The select of roles.
#[must_use]
pub fn role(current: &str) -> Field {
    let roles = [
        ("owner", "Owner: everything, owners too"),
        ("admin", "Admin: configuration, keys and members"),
        ("editor", "Editor: configuration and retries"),
        ("viewer", "Viewer: looks on"),
    ];
    Field::select("role", current, roles.map(|(value, label)| Choice::new(value, label)).into())
}

impl Sample for MemberList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let mut form = MemberForm::default();
            if taste == Taste::Hostile {
                form.email = Field::new("email", taste.name("")).with_error(taste.name(""));
                form.set_error("", &taste.name(""));
            }
            Self { shell: taste.shell(Section::Members), rows: taste.list(row), form }
        })
    }
}

fn row(taste: Taste, place: usize) -> MemberRow {
    MemberRow {
        id: sample::id("usr", place),
        email: taste.name("ops@example.com"),
        role: role(["owner", "editor", "viewer"][place]),
        joined: sample::moment(place),
        is_you: place == 0,
        can_log_in: place != 1,
        can_change: place != 0,
        remove_href: (place != 0).then(|| format!("/t/x/members/{place}/remove")),
    }
}
