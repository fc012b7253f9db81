//! postern-limits
