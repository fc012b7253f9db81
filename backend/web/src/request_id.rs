//! An id for each request, in its answer and in every line that is logged about it.

use postern_domain::id;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request under way; a fresh one outside of any.
#[must_use]
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_else(|_| fresh())
}

/// Runs what belongs to one request under a fresh id.
pub(crate) async fn scope<F: Future>(request: F) -> F::Output {
    CURRENT.scope(fresh(), request).await
}

fn fresh() -> String {
    id::fresh_uuid().simple().to_string()
}
