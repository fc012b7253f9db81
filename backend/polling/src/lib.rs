//! Polling as decisions without I/O.
