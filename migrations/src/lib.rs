//! postern-migrations
