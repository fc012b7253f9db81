//! The text of values where they stand in a page, as it was written: spaces, digits, the order of keys, escapes.
//!
//! All places are found in one reading, so that a page of a thousand items costs one page. Of a repeated name the last
//! counts, as in the value that JSONPath looked at.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use serde_json_path::PathElement;

/// The steps from the top to a value.
pub(crate) type Place<'p> = Vec<PathElement<'p>>;

/// The text at each place, in the order of the places; `None` where nothing stands.
pub(crate) fn cut<'t>(text: &'t str, places: &[Place<'_>]) -> Vec<Option<&'t str>> {
    let mut tree = Tree::default();
    for (number, place) in places.iter().enumerate() {
        tree.add(number, place);
    }
    let mut found = vec![None; places.len()];
    read(text, Walk { tree: &tree, node: 0, found: &mut found });
    found
}

/// Reads one value. The text has been read before, as a whole, so an error can only mean that there is no such place.
fn read<'t>(text: &'t str, walk: Walk<'_, 't>) {
    let mut json = serde_json::Deserializer::from_str(text);
    let _ = walk.deserialize(&mut json);
}

/// All places as a tree of their steps; the first node is the top.
struct Tree<'p> {
    nodes: Vec<Node<'p>>,
}

#[derive(Default)]
struct Node<'p> {
    places: Vec<usize>,
    names: HashMap<&'p str, usize>,
    positions: HashMap<usize, usize>,
}

impl Default for Tree<'_> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl<'p> Tree<'p> {
    fn add(&mut self, number: usize, place: &[PathElement<'p>]) {
        let mut at = 0;
        for step in place {
            let next = self.nodes.len();
            let known = match step {
                PathElement::Name(name) => *self.nodes[at].names.entry(name).or_insert(next),
                PathElement::Index(position) => *self.nodes[at].positions.entry(*position).or_insert(next),
            };
            if known == next {
                self.nodes.push(Node::default());
            }
            at = known;
        }
        self.nodes[at].places.push(number);
    }
}

impl Node<'_> {
    fn is_leaf(&self) -> bool {
        self.names.is_empty() && self.positions.is_empty()
    }
}

struct Walk<'w, 't> {
    tree: &'w Tree<'w>,
    node: usize,
    found: &'w mut [Option<&'t str>],
}

impl<'t> Walk<'_, 't> {
    fn at(&mut self, node: usize) -> Walk<'_, 't> {
        Walk { tree: self.tree, node, found: self.found }
    }
}

impl<'t> DeserializeSeed<'t> for Walk<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        let node = &self.tree.nodes[self.node];
        if node.places.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        for number in &node.places {
            self.found[*number] = Some(raw);
        }
        // One place may lie within another: `$..items` finds both of them.
        if !node.is_leaf() {
            let mut json = serde_json::Deserializer::from_str(raw);
            let _ = (&mut json).deserialize_any(self);
        }
        Ok(())
    }
}

impl<'t> Visitor<'t> for Walk<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<(), A::Error> {
        let names = &self.tree.nodes[self.node].names;
        while let Some(known) = map.next_key_seed(Name(names))? {
            match known {
                Some(node) => map.next_value_seed(self.at(node))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut list: A) -> Result<(), A::Error> {
        let positions = &self.tree.nodes[self.node].positions;
        for position in 0_usize.. {
            let more = match positions.get(&position) {
                Some(node) => list.next_element_seed(self.at(*node))?.is_some(),
                None => list.next_element::<IgnoredAny>()?.is_some(),
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

/// Which node a member's name leads to.
struct Name<'w>(&'w HashMap<&'w str, usize>);

impl<'t> DeserializeSeed<'t> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(name).copied())
    }
}

#[cfg(test)]
mod tests;
