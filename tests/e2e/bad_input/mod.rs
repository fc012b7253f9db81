//! Bad input has a clear answer and leaves no trace: bodies, heads, signatures, cursors, and what receivers answer.

mod bodies;
mod compressed;
mod cursors;
mod forwarded;
mod heads;
mod json_bodies;
mod odd_bytes;
mod retry_after;
mod signatures;
mod slow;
mod smuggling;
mod stand;
mod wire;
