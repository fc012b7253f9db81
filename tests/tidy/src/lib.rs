//! Checks the house itself, in seconds: who may use whom, sizes, words, and what the documents say about the code.
//!
//! Uses none of our crates; reads the tree as text. Each failure says what to do about it. Where to start: a rule that
//! stands in the way is a constant at the top of its module, and changing it is a decision that belongs in `docs/adr`.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod places;
#[cfg(test)]
mod rust;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod words;
