//! postern-pipeline
