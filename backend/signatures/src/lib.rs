//! postern-signatures
