//! What can be said of a source that runs by itself and of its runs, in the words of the database.

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$word_doc])* $word),+ }

        impl $name {
            /// As stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text),+ }
            }

            /// The one with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                [$(Self::$word),+].into_iter().find(|word| word.as_str() == text)
            }
        }
    )+};
}

words! {
    /// What a source does when it is due.
    RunKind {
        Poll = "poll",
        Schedule = "schedule",
    }
    /// Why a run was made.
    Trigger {
        Schedule = "schedule",
        Manual = "manual",
        /// Somebody moved the cursor.
        Rewind = "rewind",
    }
    /// What a run came to.
    RunStatus {
        /// A manual run that nobody has claimed yet; never stored.
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        NotModified = "not_modified",
        /// Several in a row that found nothing.
        Quiet = "quiet",
        /// A limit ended it; the next goes on from there.
        Partial = "partial",
        Throttled = "throttled",
        Failed = "failed",
        TimedOut = "timed_out",
        /// Its process died, or held the lease too long.
        LostLease = "lost_lease",
        /// Its source was changed, paused or deleted meanwhile.
        Cancelled = "cancelled",
    }
    /// How a source is, as far as its runs tell.
    Health {
        /// No run was complete yet.
        Priming = "priming",
        Ok = "ok",
        Throttled = "throttled",
        Backoff = "backoff",
        AuthRequired = "auth_required",
        SchemaDrift = "schema_drift",
        /// More news than was agreed; they wait for somebody to look at them.
        Held = "held",
        Stalled = "stalled",
        /// The cursor was refused; everything is read again.
        Resync = "resync",
    }
    /// By which way an event of a source with both came.
    Channel {
        Webhook = "webhook",
        Poll = "poll",
    }
}
