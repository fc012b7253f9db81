//! postern-worker
