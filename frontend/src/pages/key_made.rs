//! A new API key, shown this once.

use askama::Template;

use crate::{
    Sample,
    sample::Taste,
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/key_made.html")]
pub struct KeyMade {
    pub shell: Shell,
    pub name: String,
    pub key: String,
    /// A first call with it, quoted for a shell.
    pub curl: String,
}

impl Sample for KeyMade {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Keys),
            name: taste.name("checkout"),
            key: taste.name("pst_live_3fK9_abc_123"),
            curl: taste
                .name("curl -H 'authorization: Bearer pst_live_3fK9_abc_123' http://127.0.0.1:8080/api/v1/events"),
        })
    }
}
