//! postern-server
fn main() {}
