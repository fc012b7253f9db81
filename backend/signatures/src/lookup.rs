//! Finds strings and numbers in a JSON body in one reading, without building the rest of it.
//!
//! Reading stops once all are found, so whatever comes after the last place cannot make it unfindable; what comes before it
//! only has to be JSON by its shape. Numbers keep the digits they came with: ids beyond 2^53 exist. Of a repeated name the
//! first counts.

use std::fmt;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::body::{Pointer, scalar};

/// What is looked for at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Whatever it is, as it is written.
    Raw,
    /// The text of the string, or the digits of the number.
    Scalar,
    /// The name of the object's first member that is none of these.
    FirstMember(Vec<String>),
}

/// All places, as a tree of their steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    root: Node,
    count: usize,
}

#[derive(Clone, Debug, Default)]
struct Node {
    raws: Vec<usize>,
    scalars: Vec<usize>,
    first_members: Vec<(usize, Vec<String>)>,
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
struct Child {
    name: String,
    /// The name as an element's number, when it is written as one.
    position: Option<usize>,
    node: Node,
}

impl Lookup {
    /// Adds a place, and gives the number under which [`Self::find`] tells what stood there.
    pub(crate) fn add(&mut self, pointer: &Pointer, want: Want) -> usize {
        let number = self.count;
        self.count += 1;
        let mut node = &mut self.root;
        for step in pointer.steps() {
            let known = node.children.iter().position(|child| child.name == *step);
            let place = known.unwrap_or_else(|| {
                node.children.push(Child { name: step.clone(), position: position(step), node: Node::default() });
                node.children.len() - 1
            });
            node = &mut node.children[place].node;
        }
        match want {
            Want::Raw => node.raws.push(number),
            Want::Scalar => node.scalars.push(number),
            Want::FirstMember(except) => node.first_members.push((number, except)),
        }
        number
    }

    /// What stands at each place, by its number.
    pub(crate) fn find(&self, body: &[u8]) -> Vec<Option<String>> {
        let mut found = Found { texts: vec![None; self.count], open: self.count };
        if self.count > 0 {
            let mut json = serde_json::Deserializer::from_slice(body);
            // The result says only whether reading stopped early; what counts is what was found by then.
            let _ = Walk { node: &self.root, found: &mut found }.deserialize(&mut json);
        }
        found.texts
    }
}

/// `0`, or digits without a leading zero.
fn position(step: &str) -> Option<usize> {
    let canonical = step == "0" || !step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit());
    canonical.then(|| step.parse().ok()).flatten()
}

struct Found {
    texts: Vec<Option<String>>,
    open: usize,
}

impl Found {
    fn put<E: Error>(&mut self, number: usize, text: Option<String>) -> Result<(), E> {
        if let (Some(slot @ None), Some(text)) = (self.texts.get_mut(number), text) {
            *slot = Some(text);
            self.open -= 1;
        }
        if self.open == 0 { Err(E::custom("found; no need to read on")) } else { Ok(()) }
    }
}

struct Walk<'w> {
    node: &'w Node,
    found: &'w mut Found,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.node.raws.is_empty() && self.node.scalars.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        for number in &self.node.raws {
            self.found.put(*number, Some(raw.to_owned()))?;
        }
        for number in &self.node.scalars {
            self.found.put(*number, scalar(raw))?;
        }
        // A place may lie within another one; which of them is there, the body decides.
        if !self.node.children.is_empty() || !self.node.first_members.is_empty() {
            let mut json = serde_json::Deserializer::from_str(raw);
            let _ = (&mut json).deserialize_any(Walk { node: self.node, found: self.found });
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(child) = map.next_key_seed(Name { node: self.node, found: &mut *self.found })? {
            match child.and_then(|place| self.node.children.get(place)) {
                Some(child) => map.next_value_seed(Walk { node: &child.node, found: &mut *self.found })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for position in 0_usize.. {
            let more = match self.node.children.iter().find(|child| child.position == Some(position)) {
                Some(child) => seq.next_element_seed(Walk { node: &child.node, found: &mut *self.found })?.is_some(),
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Which child a member's name is, compared as bytes: a name that is not UTF-8 is a name like any other.
struct Name<'w> {
    node: &'w Node,
    found: &'w mut Found,
}

impl Name<'_> {
    fn is<E: Error>(self, name: &[u8]) -> Result<Option<usize>, E> {
        for (number, except) in &self.node.first_members {
            if !except.iter().any(|known| known.as_bytes() == name) {
                self.found.put(*number, std::str::from_utf8(name).ok().map(str::to_owned))?;
            }
        }
        Ok(self.node.children.iter().position(|child| child.name.as_bytes() == name))
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        self.is(name)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        self.is(name.as_bytes())
    }
}
