//! What is kept of a page to be looked at, when it or something in it could not be taken: the beginning, without secrets.

use std::sync::OnceLock;

use postern_domain::Secret;
use postern_polling::Redactor;
use postern_store::polling::QuarantineRow;

use super::run::Run;

const SAMPLE_BYTES: usize = 64 * 1024;

/// What must not be kept. Most runs keep nothing, so it is put together when it is needed.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    access_token: Option<Secret<String>>,
    redactor: OnceLock<Redactor>,
}

impl Run {
    /// An API may write the token back that it was shown.
    pub(super) fn note_token(&mut self, token: Option<&Secret<String>>) {
        if token != self.secrets.access_token.as_ref() {
            self.secrets = Secrets { access_token: token.cloned(), redactor: OnceLock::new() };
        }
    }

    pub(super) fn set_aside(&self, reason: String, raw: &[u8]) -> QuarantineRow {
        let secrets = &self.secrets;
        let redactor = secrets.redactor.get_or_init(|| Redactor::new(&self.settings, secrets.access_token.as_ref()));
        QuarantineRow { at: self.engine.clock.now(), reason, sample: redactor.sample(raw, SAMPLE_BYTES) }
    }
}
