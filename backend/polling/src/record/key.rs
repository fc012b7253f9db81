//! By what an event of a polled record is known in its source's dedup space.

use std::fmt::Write;

use crate::{canonical::Hash, cursor::is_ordered_version, item::Item, settings::Emit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    Never,
    AfterDeletion,
}

/// `id` where each record is one event, which is what a webhook's key would be; `id:version` where versions rise; else
/// with the count of its states, without which a state that comes back would be taken for one that was emitted.
pub(super) fn of(emit: Emit, item: &Item<'_>, rev: i32, returned: Return) -> String {
    let id = &item.id;
    match (&item.version, returned) {
        (_, Return::Never) if emit == Emit::New => id.clone(),
        (Some(version), Return::Never) if rev <= 1 || is_ordered_version(version) => format!("{id}:{version}"),
        (Some(version), _) => format!("{id}:{version}:{rev}"),
        (None, _) => format!("{id}:{}:{rev}", hex(&item.content_hash)),
    }
}

/// Whether a webhook can have brought a change of this item under the same key.
pub(super) fn is_matchable(emit: Emit, item: &Item<'_>) -> bool {
    emit == Emit::New || item.version.as_deref().is_some_and(is_ordered_version)
}

pub(super) fn of_deletion(id: &str, generation: i32) -> String {
    format!("{id}:del:{generation}")
}

fn hex(hash: &Hash) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
