//! Whether something works, in the words of the database.

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident { $($(#[$state_doc:meta])* $state:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$state_doc])* $state),+ }

        impl $name {
            /// As stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$state => $text),+ }
            }

            /// The state with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                [$(Self::$state),+].into_iter().find(|state| state.as_str() == text)
            }
        }
    )+};
}

states! {
    /// Of a source or a connection.
    RunState {
        Active = "active",
        /// Somebody paused it: a source refuses, a connection keeps its deliveries waiting.
        Paused = "paused",
    }
    /// Of a destination.
    DestinationState {
        Active = "active",
        Paused = "paused",
        /// It said that it is gone; nothing is sent until somebody resumes it.
        Held = "held",
    }
}

impl RunState {
    /// What the audit trail calls a change from one to the other.
    pub(super) const fn action(before: Self, after: Self) -> &'static str {
        match (before, after) {
            (Self::Active, Self::Paused) => "paused",
            (Self::Paused, Self::Active) => "resumed",
            (Self::Active, Self::Active) | (Self::Paused, Self::Paused) => "updated",
        }
    }
}

impl DestinationState {
    /// What the audit trail calls a change from one to the other.
    pub(super) const fn action(before: Self, after: Self) -> &'static str {
        match (before, after) {
            (Self::Active | Self::Held, Self::Paused) => "paused",
            (Self::Paused | Self::Held, Self::Active) => "resumed",
            (Self::Active | Self::Paused, Self::Held) => "held",
            (Self::Active, Self::Active) | (Self::Paused, Self::Paused) | (Self::Held, Self::Held) => "updated",
        }
    }
}
