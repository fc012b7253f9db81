//! Why a page cannot be taken, or the next one not be asked for.

/// A fault of a page. Its text is for the person who wrote the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// The next page is one that this run has seen.
    #[error("the next page is one that this run has read already: the pages go round in a circle")]
    Loop,
    /// A next link or a redirect leads to another scheme, host or port. Nothing is asked of it, nor shown to it.
    #[error("the next page is at another origin, `{origin}`; links are followed within one origin only")]
    ForeignOrigin { origin: String },
    /// More redirects than are followed, or one that cannot be.
    #[error("the redirect cannot be followed: {detail}")]
    Redirect { detail: String },
    /// Something in the answer is not of the form that the settings expect.
    #[error("{field}: {detail}")]
    Malformed {
        /// The field of the settings that asked for it: `poll.paginate.path`.
        field: String,
        detail: String,
    },
    /// The page is not JSON.
    #[error("the page is not JSON: {detail}")]
    NotJson { detail: String },
    /// The page is no feed that can be read.
    #[error("the page is not a feed: {detail}")]
    NotFeed { detail: String },
    /// The path to the items leads nowhere. An empty list would be fine.
    #[error("`{path}` leads to nothing in the page{found}")]
    PathMissing {
        path: String,
        /// ` (its top-level keys are: …)`, or nothing.
        found: String,
    },
    /// More items than a page may hold.
    #[error("the page has more than {most} items")]
    TooManyItems { most: usize },
}
