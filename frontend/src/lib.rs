//! postern-frontend
