//! The last few of a first run: what `first_run: last_n` emits.

use std::cmp::Ordering;

use crate::{item::Item, settings::Order};

/// Keeps the newest items that it is shown: by their cursor values, else by their place in the listing.
#[derive(Debug)]
pub struct Newest {
    most: usize,
    order: Order,
    kept: Vec<Item<'static>>,
}

impl Newest {
    #[must_use]
    pub const fn new(most: u8, order: Order) -> Self {
        Self { most: most as usize, order, kept: Vec::new() }
    }

    /// Takes in the next item of the listing, and gives back the one that is not among the newest: it is to be classified
    /// as one of a first run, the kept ones not before the end.
    pub fn offer(&mut self, item: Item<'_>) -> Option<Item<'static>> {
        if self.most == 0 {
            return Some(item.into_owned());
        }
        let position = self.kept.iter().position(|kept| kept.id == item.id);
        if let Some(position) = position {
            self.kept.remove(position);
        }
        let place = self.kept.iter().position(|kept| self.is_newer(kept, &item)).unwrap_or(self.kept.len());
        self.kept.insert(place, item.into_owned());
        (self.kept.len() > self.most).then(|| self.kept.remove(0))
    }

    /// The newest, the oldest of them first.
    #[must_use]
    pub fn finish(self) -> Vec<Item<'static>> {
        self.kept
    }

    /// Whether a kept one is newer than the one that comes later in the listing.
    fn is_newer(&self, kept: &Item<'_>, next: &Item<'_>) -> bool {
        match (&kept.cursor, &next.cursor) {
            (Some(kept), Some(next)) => match kept.compare(next) {
                Some(Ordering::Equal) | None => self.order == Order::Desc,
                Some(order) => order == Ordering::Greater,
            },
            _ => self.order == Order::Desc,
        }
    }
}
