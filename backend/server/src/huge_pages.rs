//! Which memory comes in huge pages (2 MiB): what load needs, not what start-up touches.
//!
//! The allocator asks for them. Under load they save some six of a hundred processor cycles; at rest each thread's few
//! kilobytes would hold 2 MiB, and a server that does nothing would take 17 MiB more. Where the system does not know the
//! setting, all stays as it is.

/// From now on, memory touched for the first time comes in small pages.
pub(crate) fn refuse() {
    set(true);
}

/// From now on, memory touched for the first time may come in huge pages again.
pub(crate) fn allow() {
    set(false);
}

#[cfg(target_os = "linux")]
fn set(refused: bool) {
    if let Err(cause) = rustix::thread::disable_transparent_huge_pages(refused) {
        tracing::debug!(%cause, "The system keeps its own choice of page sizes");
    }
}

#[cfg(not(target_os = "linux"))]
fn set(_refused: bool) {}
