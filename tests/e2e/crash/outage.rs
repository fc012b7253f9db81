//! PostgreSQL goes away under load and comes back.
