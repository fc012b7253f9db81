//! One file for each page.

pub mod welcome;
