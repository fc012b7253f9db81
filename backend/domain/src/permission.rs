//! What an API key may do. Nothing unless it is listed.

macro_rules! permissions {
    ($($name:ident = $text:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($name),+ }

        impl Permission {
            /// In the order in which documents list them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

permissions! {
    EventsRead = "events:read";
    EventsWrite = "events:write";
    SourcesRead = "sources:read";
    SourcesWrite = "sources:write";
    DestinationsRead = "destinations:read";
    DestinationsWrite = "destinations:write";
    ConnectionsRead = "connections:read";
    ConnectionsWrite = "connections:write";
    DeliveriesRead = "deliveries:read";
    DeliveriesWrite = "deliveries:write";
    QueuesPull = "queues:pull";
    RequestsRead = "requests:read";
    CallsRead = "calls:read";
    CallsWrite = "calls:write";
    KeysRead = "keys:read";
    KeysWrite = "keys:write";
    MembersRead = "members:read";
    MembersWrite = "members:write";
    AuditRead = "audit:read";
}

impl Permission {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text)
    }
}
