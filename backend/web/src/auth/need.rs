//! A marker type for each permission, so that a handler's signature can name what it needs.

use postern_domain::permission::Permission;

/// What [`crate::auth::Permit`] asks of the caller's credential.
pub trait Need: 'static {
    /// The permission itself.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident)+) => {$(
        /// Needs the permission of the same name.
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Need for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

needs! {
    EventsRead EventsWrite
    SourcesRead SourcesWrite
    DestinationsRead DestinationsWrite
    ConnectionsRead ConnectionsWrite
    DeliveriesRead DeliveriesWrite
    QueuesPull
    RequestsRead
    CallsRead CallsWrite
    KeysRead KeysWrite
    MembersRead MembersWrite
    AuditRead
}
