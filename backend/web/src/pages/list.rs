//! What the lists of the dashboard share: filters as they were typed, the names of things, the way to older rows.

use std::collections::HashMap;

use actix_web::web::Data;
use postern_domain::{DestinationId, SourceId, TenantScope, Timestamp};
use postern_frontend::{
    form::{Choice, Field},
    links,
    parts::Paging,
};
use postern_pipeline::configure::MAX_PER_TENANT;
use postern_store::{
    TenantStore,
    read::{ListError, Slice},
};

use super::Halt;
use crate::{App, page::PageRequest, query::Query};

/// The filters of a list, as they were typed.
pub(super) struct Asked {
    query: Query,
    values: Vec<(&'static str, String)>,
    /// What could not be read, in words.
    pub(super) problem: Option<String>,
    pub(super) done: Option<String>,
}

impl Asked {
    pub(super) fn of(query: Query) -> Self {
        let mut query = query.without_empty();
        let done = query.aside("done");
        Self { query, values: Vec::new(), problem: None, done }
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.query.text(name)?;
        self.values.push((name, text.clone()));
        Some(text)
    }

    /// `what` is said when it cannot be read.
    pub(super) fn parsed<T>(&mut self, name: &'static str, what: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let parsed = parse(text.trim());
        if parsed.is_none() {
            self.problem.get_or_insert_with(|| what.to_owned());
        }
        parsed
    }

    pub(super) fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        let label = if name == "from" { "From" } else { "To" };
        let what = format!("{label} is no moment: write it as 2026-11-22T12:00:00.");
        self.parsed(name, &what, moment)
    }

    pub(super) fn field(&self, name: &'static str) -> Field {
        Field::new(name, self.value(name))
    }

    pub(super) fn select(&self, name: &'static str, options: Vec<Choice>) -> Field {
        Field::select(name, self.value(name), options)
    }

    pub(super) fn is_filtered(&self) -> bool {
        !self.values.is_empty()
    }

    /// The list with its filters, from its newest row on.
    pub(super) fn here(&self, path: &str) -> String {
        let pairs: Vec<(&str, &str)> = self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        links::with_query(path, &pairs)
    }

    /// To be called when all filters were taken.
    pub(super) fn page(self, app: &Data<App>, scope: TenantScope, list: &str) -> Result<PageRequest, Halt> {
        Ok(self.query.page(app, scope, list)?)
    }

    /// The filters by name, for the record.
    pub(super) fn said(&self) -> serde_json::Value {
        self.values.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Of what has no pages.
    pub(super) fn finish(self) -> Result<(), Halt> {
        Ok(self.query.finish()?)
    }

    fn value(&self, name: &str) -> String {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// RFC 3339, or as `<input type="datetime-local">` sends it: UTC without saying so.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let tries = [text.replace(' ', "+"), format!("{text}Z"), format!("{text}:00Z")];
    tries.iter().find_map(|text| Timestamp::parse_rfc3339(text).ok())
}

/// The links of a page. `here` is the list with its filters.
pub(super) fn paging(here: &str, request: &PageRequest, next: Option<&str>) -> Paging {
    Paging {
        older: next.map(|cursor| links::with_query(here, &[("cursor", cursor)])),
        newest: request.after_bytes().map(|_| here.to_owned()),
    }
}

/// An id of a filter that the tenant does not have leaves nothing to list.
pub(super) fn or_problem<T>(read: Result<Slice<T>, ListError>, problem: &mut Option<String>) -> Result<Slice<T>, Halt> {
    let what = match read {
        Ok(slice) => return Ok(slice),
        Err(ListError::UnknownSource) => "There is no such source.",
        Err(ListError::UnknownDestination) => "There is no such destination.",
        Err(ListError::UnknownConnection) => "There is no such connection.",
        Err(ListError::Store(cause)) => return Err(cause.into()),
    };
    problem.get_or_insert_with(|| what.to_owned());
    Ok(Slice::default())
}

/// What the sources and destinations of a tenant are called.
pub(super) struct Names {
    pub(super) tenant: String,
    sources: Vec<(SourceId, String)>,
    destinations: Vec<(DestinationId, String)>,
    source_names: HashMap<SourceId, String>,
    destination_names: HashMap<DestinationId, String>,
}

impl Names {
    /// The names of all that a tenant may have fit into memory.
    pub(super) async fn read(store: &TenantStore, scope: TenantScope) -> Result<Self, Halt> {
        let sources = store.sources().names(MAX_PER_TENANT).await?;
        let destinations = store.destinations().names(MAX_PER_TENANT).await?;
        Ok(Self::of(scope, sources, destinations))
    }

    pub(super) fn of(
        scope: TenantScope,
        sources: Vec<(SourceId, String)>,
        destinations: Vec<(DestinationId, String)>,
    ) -> Self {
        Self {
            tenant: scope.tenant_id().to_string(),
            source_names: sources.iter().cloned().collect(),
            destination_names: destinations.iter().cloned().collect(),
            sources,
            destinations,
        }
    }

    pub(super) fn source(&self, id: SourceId) -> String {
        self.source_names.get(&id).cloned().unwrap_or_else(|| "a deleted source".to_owned())
    }

    pub(super) fn destination(&self, id: DestinationId) -> String {
        self.destination_names.get(&id).cloned().unwrap_or_else(|| "a deleted destination".to_owned())
    }

    /// The page of the source or destination with this id, if there is one.
    pub(super) fn href(&self, id: &str) -> Option<String> {
        if id.parse().is_ok_and(|id| self.source_names.contains_key(&id)) {
            return Some(links::source(&self.tenant, id));
        }
        let exists = id.parse().is_ok_and(|id| self.destination_names.contains_key(&id));
        exists.then(|| links::destination(&self.tenant, id))
    }

    pub(super) fn source_choices(&self) -> Vec<Choice> {
        any_of(self.sources.iter().map(|(id, name)| Choice::new(id.to_string(), name.clone())))
    }

    pub(super) fn destination_choices(&self) -> Vec<Choice> {
        any_of(self.destinations.iter().map(|(id, name)| Choice::new(id.to_string(), name.clone())))
    }
}

/// The options of a filter: any, then these.
fn any_of(options: impl IntoIterator<Item = Choice>) -> Vec<Choice> {
    std::iter::once(Choice::new("", "any")).chain(options).collect()
}

/// Words of an enum as options.
pub(super) fn choices<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Choice> {
    any_of(words.into_iter().map(|word| Choice::new(word, word.replace('_', " "))))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_may_lack_its_zone_and_its_seconds() {
        let noon = moment("2026-11-22T12:00:00Z");
        assert!(noon.is_some());
        for text in ["2026-11-22T12:00:00", "2026-11-22T12:00", "2026-11-22T13:00:00 01:00"] {
            assert_eq!(moment(text), noon, "{text}");
        }
        assert_eq!(moment("noon"), None);
    }
}
