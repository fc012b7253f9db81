//! The deliveries of a tenant; those that were given up have a tab of their own.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    parts::{DeliveryRow, Paging},
    sample::{Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/deliveries.html")]
pub struct DeliveryList {
    pub shell: Shell,
    /// The tab of the dead.
    pub dead: bool,
    pub filter: DeliveryFilter,
    /// A filter beside the tab is set.
    pub filtered: bool,
    pub rows: Vec<DeliveryRow>,
    pub paging: Paging,
    /// This list with its filters: where a retry comes back to.
    pub here: String,
    /// The attempts of all that this list shows.
    pub csv_href: String,
    pub jsonl_href: String,
}

/// Names: `state`, `destination` (selects), `connection` (kept when it is set).
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub state: Field,
    pub destination: Field,
    pub connection: Field,
}

impl Sample for DeliveryList {
    fn samples() -> Vec<(&'static str, Self)> {
        let list = |taste: Taste, dead| Self {
            shell: taste.shell(if dead { Section::Dead } else { Section::Deliveries }),
            dead,
            filter: DeliveryFilter {
                state: rows::select("state", taste),
                destination: rows::select("destination", taste),
                connection: Field::new("connection", taste.text("con_1")),
            },
            filtered: taste == Taste::Hostile,
            rows: taste.list(rows::delivery),
            paging: rows::paging(taste),
            here: taste.name("/t/x/deliveries?state=dead"),
            csv_href: taste.name("/t/x/deliveries/export?state=dead&format=csv"),
            jsonl_href: taste.name("/t/x/deliveries/export?format=jsonl"),
        };
        let mut samples = Taste::each(|taste| list(taste, false));
        samples.extend([("none dead", list(Taste::Empty, true)), ("dead", list(Taste::Usual, true))]);
        samples
    }
}
