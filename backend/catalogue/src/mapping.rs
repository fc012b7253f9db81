//! The mapping of one provider: where its events stand in a body, what it calls them, and the rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    condition::scalar,
    currency,
    event::{Event, MAX_EVENTS, Outcome},
    field::FieldFile,
    money::{Exponents, shown},
    place::{Each, Here, Place},
    rule::{Moment, MomentFile, Rule, RuleFile},
    vocabulary::CommonType,
};

/// Instead of a place: the type under which the event was taken in.
const AS_RECEIVED: &str = "@received";

/// As the data files write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    provider: String,
    name: String,
    /// Where the provider documents these bodies.
    docs: String,
    /// What somebody should know who handles these events.
    #[serde(default)]
    notes: Vec<String>,
    /// Other providers for which it stands.
    #[serde(default)]
    also: Vec<String>,
    /// Where it stands what the provider calls an event.
    #[serde(default, rename = "type")]
    kind: Vec<String>,
    /// The type is the name of a field: of the one that is none of these.
    #[serde(default)]
    type_is_key_besides: Vec<String>,
    /// What an event is called where nothing is found.
    untyped: Option<String>,
    #[serde(default)]
    id: Vec<String>,
    #[serde(default)]
    occurred_at: Vec<MomentFile>,
    /// Where the events of a batch stand. A body with none of these is one event.
    #[serde(default)]
    each: Vec<EachFile>,
    #[serde(default)]
    exponents: Exponents,
    #[serde(default)]
    data: BTreeMap<String, FieldFile>,
    rule: Vec<RuleFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EachFile {
    at: String,
    #[serde(default, rename = "type")]
    kind: Vec<String>,
    untyped: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) provider: String,
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) notes: Vec<String>,
    pub(crate) also: Vec<String>,
    pub(crate) each: Vec<Batch>,
    pub(crate) exponents: Exponents,
    pub(crate) rules: Vec<Rule>,
    naming: Naming,
    id: Vec<Place>,
    occurred_at: Vec<Moment>,
}

#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) at: Each,
    naming: Naming,
}

#[derive(Clone, Debug)]
struct Naming {
    /// `None`: as received.
    places: Vec<Option<Place>>,
    key_besides: Vec<String>,
    untyped: Option<String>,
}

impl Naming {
    fn parse(places: &[String], key_besides: Vec<String>, untyped: Option<String>) -> Result<Self, String> {
        let place = |text: &String| if text == AS_RECEIVED { Ok(None) } else { Place::parse(text).map(Some) };
        Ok(Self { places: places.iter().map(place).collect::<Result<_, _>>()?, key_besides, untyped })
    }

    fn name(&self, here: &Here<'_>, received: &str) -> String {
        let placed = self.places.iter().find_map(|place| match place {
            Some(place) => place.find(here).and_then(scalar),
            None => Some(received.to_owned()).filter(|text| !text.is_empty()),
        });
        let key = || {
            let mut keys = here.keys().filter(|key| !self.key_besides.iter().any(|other| other == key));
            if self.key_besides.is_empty() { None } else { keys.next().map(str::to_owned) }
        };
        let found = placed.or_else(key).or_else(|| self.untyped.clone()).unwrap_or_default();
        postern_domain::event_type::clean(&found)
    }
}

impl Mapping {
    pub(crate) fn parse(name: &str, text: &str, types: &[CommonType]) -> Result<Self, String> {
        let file: MappingFile = toml::from_str(text).map_err(|cause| format!("mappings/{name}.toml: {cause}"))?;
        if file.provider != name {
            return Err(format!("mappings/{name}.toml: `provider` is `{}`", file.provider));
        }
        Self::of(file, types).map_err(|cause| format!("mappings/{name}.toml: {cause}"))
    }

    fn of(file: MappingFile, types: &[CommonType]) -> Result<Self, String> {
        if let Some(unknown) = file.exponents.keys().find(|code| currency::exponent(code).is_none()) {
            return Err(format!("`{unknown}` is not in ISO 4217"));
        }
        let mut used = BTreeSet::new();
        let rules = file.rule.into_iter().map(|rule| Rule::parse(rule, &file.data, types, &mut used));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        if let Some(idle) = file.data.keys().find(|name| !used.contains(*name)) {
            return Err(format!("no rule takes `{idle}` from [data]"));
        }
        let each = file.each.into_iter().map(|each| {
            let naming = Naming::parse(&each.kind, Vec::new(), each.untyped)?;
            Ok::<_, String>(Batch { at: Each::parse(&each.at)?, naming })
        });
        Ok(Self {
            each: each.collect::<Result<_, _>>()?,
            naming: Naming::parse(&file.kind, file.type_is_key_besides, file.untyped)?,
            id: file.id.iter().map(|text| Place::parse(text)).collect::<Result<_, _>>()?,
            occurred_at: file.occurred_at.iter().map(Moment::parse).collect::<Result<_, _>>()?,
            provider: file.provider,
            name: file.name,
            docs: file.docs,
            notes: file.notes,
            also: file.also,
            exponents: file.exponents,
            rules,
        })
    }

    pub(crate) fn is_for(&self, provider: &str) -> bool {
        self.provider == provider || self.also.iter().any(|other| other == provider)
    }

    /// The events of a body: at least one. `received` is the type under which it was taken in.
    pub(crate) fn events(&self, types: &[CommonType], root: &Value, received: &str) -> Vec<Event> {
        let mut events = Vec::new();
        for batch in &self.each {
            let found = batch.at.find(root, MAX_EVENTS + 1 - events.len());
            events.extend(found.iter().map(|here| self.event(types, here, batch.naming.name(here, ""))));
            if events.len() > MAX_EVENTS {
                return vec![Event::whole(received, format!("the body has more than {MAX_EVENTS} events"))];
            }
        }
        if events.is_empty() {
            let here = Here::root(root);
            let named = self.naming.name(&here, received);
            let named = if named.is_empty() { received.to_owned() } else { named };
            events.push(self.event(types, &here, named));
        }
        events
    }

    fn event(&self, types: &[CommonType], here: &Here<'_>, provider_type: String) -> Event {
        let rule = self.rules.iter().find(|rule| rule.is_for(&provider_type) && rule.condition.holds(here));
        let occurred_at = rule.and_then(|rule| rule.occurred_at(here));
        let outcome = match rule {
            Some(rule) => self.apply(rule, types, here, &provider_type),
            None => Outcome::PassedOn { reason: self.why_no_rule(&provider_type) },
        };
        Event {
            at: here.pointer.clone(),
            provider_id: self.id.iter().find_map(|place| place.find(here).and_then(scalar)),
            occurred_at: occurred_at.or_else(|| Moment::first(&self.occurred_at, here)),
            outcome,
            provider_type,
        }
    }

    fn apply(&self, rule: &Rule, types: &[CommonType], here: &Here<'_>, provider_type: &str) -> Outcome {
        let target = rule.target(provider_type);
        let Some(common) = types.iter().find(|known| known.name() == target) else {
            return Outcome::PassedOn { reason: self.why_no_rule(provider_type) };
        };
        match rule.data(common, here, &self.exponents) {
            Ok(data) => Outcome::Common { event_type: common.name().to_owned(), data },
            Err(cause) => Outcome::PassedOn { reason: format!("the body does not fit `{target}`: {cause}") },
        }
    }

    fn why_no_rule(&self, provider_type: &str) -> String {
        if self.rules.iter().any(|rule| rule.types.iter().any(|known| known == provider_type)) {
            return format!("the catalogue maps `{}` of {}, but not this kind of it", shown(provider_type), self.name);
        }
        format!("the catalogue does not map `{}` of {}", shown(provider_type), self.name)
    }
}
