//! postern-seal
