//! What a person may do in a tenant. Each role may do what the one below it may, and more.

use crate::permission::Permission::{
    self, AuditRead, CallsRead, CallsWrite, ConnectionsRead, ConnectionsWrite, DeliveriesRead, DeliveriesWrite,
    DestinationsRead, DestinationsWrite, EventsRead, EventsWrite, MembersRead, QueuesPull, RequestsRead, SourcesRead,
    SourcesWrite,
};

/// Ordered: a later one may do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything but API keys.
    Viewer,
    /// Changes what is routed where, publishes, calls, retries, pulls.
    Editor,
    /// Makes keys and members too.
    Admin,
    /// May also make owners. A tenant always has one.
    Owner,
}

const VIEWER: &[Permission] = &[
    EventsRead,
    SourcesRead,
    DestinationsRead,
    ConnectionsRead,
    DeliveriesRead,
    RequestsRead,
    CallsRead,
    MembersRead,
    AuditRead,
];

const EDITOR: &[Permission] = &[
    EventsRead,
    EventsWrite,
    SourcesRead,
    SourcesWrite,
    DestinationsRead,
    DestinationsWrite,
    ConnectionsRead,
    ConnectionsWrite,
    DeliveriesRead,
    DeliveriesWrite,
    QueuesPull,
    RequestsRead,
    CallsRead,
    CallsWrite,
    MembersRead,
    AuditRead,
];

impl Role {
    /// From the one that may do least.
    pub const ALL: &'static [Self] = &[Self::Viewer, Self::Editor, Self::Admin, Self::Owner];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text)
    }

    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Viewer => VIEWER,
            Self::Editor => EDITOR,
            Self::Admin | Self::Owner => Permission::ALL,
        }
    }

    #[must_use]
    pub fn at_least(self, other: Self) -> bool {
        self >= other
    }

    /// The highest role that a key which may change members can give and take. Whoever lets people in lets them look;
    /// beyond that nobody gives away what they do not have, and only a person makes owners.
    #[must_use]
    pub fn of_key(permissions: &[Permission]) -> Self {
        let holds = |role: &Self| role.permissions().iter().all(|needed| permissions.contains(needed));
        [Self::Admin, Self::Editor].into_iter().find(holds).unwrap_or(Self::Viewer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_may_do_all_that_a_lower_one_may() {
        for pair in Role::ALL.windows(2) {
            let (lower, higher) = (pair[0], pair[1]);
            assert!(higher.at_least(lower) && !lower.at_least(higher));
            assert!(lower.permissions().iter().all(|permission| higher.permissions().contains(permission)));
        }
    }

    #[test]
    fn a_viewer_reads_everything_but_keys_and_writes_nothing() {
        let reads = |known: &&Permission| known.as_str().ends_with(":read") && **known != Permission::KeysRead;
        let expected: Vec<_> = Permission::ALL.iter().filter(reads).copied().collect();
        assert_eq!(Role::Viewer.permissions(), expected);
    }

    #[test]
    fn an_editor_changes_neither_keys_nor_members() {
        let missing: Vec<_> =
            Permission::ALL.iter().filter(|known| !Role::Editor.permissions().contains(known)).copied().collect();
        assert_eq!(missing, [Permission::KeysRead, Permission::KeysWrite, Permission::MembersWrite]);
    }

    #[test]
    fn a_role_is_written_and_read_alike() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(*role));
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    #[test]
    fn a_key_hands_out_no_more_than_it_has() {
        assert_eq!(Role::of_key(Permission::ALL), Role::Admin);
        assert_eq!(Role::of_key(&[EDITOR, &[Permission::MembersWrite]].concat()), Role::Editor);
        assert_eq!(Role::of_key(&[Permission::MembersWrite, Permission::KeysWrite]), Role::Viewer);
    }
}
