//! The engine's statements for PostgreSQL.
//!
//! Rows are found by `= ANY (array)` and joined through subplans, never by a join on an array: whatever the planner
//! believes of a table that fills and empties by the second, there is then only the index to go by.

pub(crate) mod accept;
pub(crate) mod settle;
