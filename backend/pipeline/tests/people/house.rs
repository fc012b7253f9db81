//! An engine on a database of its own, and people in it.

use std::{path::PathBuf, sync::Arc, sync::OnceLock};

use postern_domain::{Actor, Clock, Secret, TenantId, TenantScope, Timestamp, UserId, id::fresh_uuid, role::Role};
use postern_pipeline::{
    Duty, Engine, EngineOptions, Parts, Presets,
    configure::{By, Done},
    people::{self, LogIn, LogInError, LoggedIn, Member, MemberError, NewMember, Person},
};
use postern_seal::{Keyring, password};
use postern_store::{
    Options, Retention, Serving, Store,
    bootstrap::{Bootstrapped, NewTenant},
    tenant::{AuditEntry, AuditFilter},
};

/// 2026-03-01T10:00:00Z
const NOON: Timestamp = Timestamp::from_secs(1_772_359_200);
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const HOME: &str = "192.0.2.1";

pub(crate) struct House {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    folder: PathBuf,
}

/// A tenant and the person who owns it.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    email: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("postern-people-{}", fresh_uuid().simple()));
        let clock = Clock::manual(NOON);
        let options = Options { url: format!("sqlite:{}", folder.join("postern.db").display()), serving: Serving::No };
        let keyring = Keyring::parse(Keyring::generate().expose()).expect("a keyring");
        let store = Store::open(&options, keyring, clock.clone()).await.expect("opens");
        store.migrate().await.expect("migrated");
        let egress = postern_egress::Options {
            allow: Vec::new(),
            https_only: false,
            own_hosts: Vec::new(),
            dns: None,
            extra_roots_pem: Vec::new(),
            user_agent: "Postern/test".to_owned(),
        };
        let options = EngineOptions {
            duty: Duty::Http,
            lease_ms: 60_000,
            retention: Retention { payload_days: 30, metadata_days: 90 },
            tenant_rate_per_s: 1_000,
            min_poll_interval_s: 5,
        };
        let egress = postern_egress::Client::new(egress).expect("a client");
        let engine = Engine::new(Parts {
            store,
            egress,
            clock: clock.clone(),
            presets: Arc::new(Presets::builtin().clone()),
            options,
        });
        Self { engine, clock, folder }
    }

    /// A tenant named for its owner, who has the password.
    pub(crate) async fn owner(&self, name: &str) -> Owner {
        static HASH: OnceLock<Secret<String>> = OnceLock::new();
        let hash = HASH.get_or_init(|| password::hash(&Secret::new(PASSWORD.to_owned())).expect("hashed"));
        let mut new = NewTenant::parse(name, &format!("{name}@example.com")).expect("valid");
        new.password_hash = Some(hash.clone());
        match self.engine.store.bootstrap(&new).await.expect("answers") {
            Bootstrapped::Created { tenant, user, email, .. } => Owner { user, tenant, email },
            Bootstrapped::Exists => panic!("`{name}` exists"),
        }
    }

    pub(crate) async fn try_from(&self, remote: &str, email: &str, password: &str) -> Result<LoggedIn, LogInError> {
        let attempt = LogIn {
            email: email.to_owned(),
            password: Secret::new(password.to_owned()),
            remote: Some(remote.parse().expect("an address")),
            user_agent: "Firefox\n".to_owned(),
            replaces: None,
            known: None,
        };
        people::log_in(&self.engine, attempt).await
    }

    /// The owner, logged in from home.
    pub(crate) async fn person(&self, owner: &Owner) -> Person {
        let logged_in = self.try_from(HOME, &owner.email, PASSWORD).await.expect("logged in");
        self.identify(logged_in).await.expect("alive")
    }

    pub(crate) async fn identify(&self, logged_in: LoggedIn) -> Option<Person> {
        people::identify(&self.engine, logged_in.session, HOME.parse().ok()).await.expect("answers")
    }

    pub(crate) async fn add(&self, owner: &Owner, email: &str, role: Role) -> Result<Member, MemberError> {
        self.add_as(owner, email, (Role::Owner, role)).await
    }

    pub(crate) async fn add_as(
        &self,
        owner: &Owner,
        email: &str,
        (own, role): (Role, Role),
    ) -> Result<Member, MemberError> {
        let password = Some(Secret::new("another long password".to_owned()));
        let new = NewMember { email: email.to_owned(), role, password, own };
        done(people::add_member(&self.engine, &owner.by(), new, |_| (0, String::new())).await)
    }

    /// The owner's trail once everything is on record, newest first.
    pub(crate) async fn trail(&self, owner: &Owner) -> Vec<AuditEntry> {
        self.engine.tasks.idle().await;
        let store = self.engine.store.tenant(owner.scope());
        store.audit(&AuditFilter::default(), None, 100).await.expect("answers")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Owner {
    pub(crate) fn scope(&self) -> TenantScope {
        TenantScope::from_owned_row(self.tenant)
    }

    pub(crate) fn by(&self) -> By {
        By { scope: self.scope(), actor: Actor::user(self.user, None), once: None }
    }
}

pub(crate) fn done<T>(outcome: Result<Done<T>, MemberError>) -> Result<T, MemberError> {
    match outcome? {
        Done::Now(made) => Ok(made),
        Done::Before { .. } => panic!("nothing was asked for twice"),
    }
}
