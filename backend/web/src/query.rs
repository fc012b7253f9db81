//! The query of a request, taken apart by name. What is left over is an error that names it.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web, web::Data};
use postern_domain::{TenantScope, Timestamp};

use crate::{
    App,
    page::PageRequest,
    problem::{Code, Problem},
};

/// More than any list takes; keeps a hostile query from costing anything.
const MAX_PARAMETERS: usize = 32;

/// The parameters of a query. Take each by name, then ask for the [`Query::page`] or call [`Query::finish`].
#[derive(Debug)]
pub struct Query {
    left: Vec<(String, String)>,
    /// What was taken, for the name of the list.
    taken: Vec<(&'static str, String)>,
}

impl Query {
    /// A form that is looked at sends every field; an empty one asks for nothing.
    #[must_use]
    pub fn without_empty(mut self) -> Self {
        self.left.retain(|(_, value)| !value.trim().is_empty());
        self
    }

    /// A parameter as text.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.left.swap_remove(at);
        self.taken.push((name, value.clone()));
        Some(value)
    }

    /// What was taken so far, by name: for the record.
    #[must_use]
    pub fn said(&self) -> serde_json::Value {
        self.taken.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// A parameter that filters nothing, such as `done`: a cursor holds with it and without it.
    pub fn aside(&mut self, name: &str) -> Option<String> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(at).1)
    }

    /// A parameter in a form of its own: `query.parsed("state", DeliveryState::parse)`.
    ///
    /// # Errors
    /// A problem that names the parameter.
    pub fn parsed<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| bad(name, "has a value that is not known"))
    }

    /// An id. One of the wrong kind is answered like one that nobody has.
    ///
    /// # Errors
    /// 404, naming the parameter.
    pub fn id<T: std::str::FromStr>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::unknown_reference(name))
    }

    /// A moment in RFC 3339.
    ///
    /// # Errors
    /// A problem that names the parameter.
    pub fn moment(&mut self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // The `+` of an offset arrives as a space when it was not encoded.
        let moment = Timestamp::parse_rfc3339(&text.replace(' ', "+"));
        moment.map(Some).map_err(|_| bad(name, "must be a moment like 2026-03-01T12:00:00Z"))
    }

    /// `limit` and `cursor`. To be called last: what nobody has taken is an error.
    ///
    /// # Errors
    /// For parameters that are unknown, a limit out of bounds, a cursor of another list.
    pub fn page(mut self, app: &Data<App>, scope: TenantScope, list: &str) -> Result<PageRequest, Problem> {
        let filters = std::mem::take(&mut self.taken);
        let (limit, cursor) = (self.text("limit"), self.text("cursor"));
        self.finish()?;
        PageRequest::new(app, scope, name_of(list, filters), (limit.as_deref(), cursor.as_deref()))
    }

    /// # Errors
    /// When there is a parameter that nobody has taken.
    pub fn finish(self) -> Result<(), Problem> {
        let mut problem: Option<Problem> = None;
        for (name, _) in &self.left {
            let name: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
            let so_far =
                problem.unwrap_or_else(|| Problem::new(Code::InvalidQuery, format!("`{name}` is not known here.")));
            problem = Some(so_far.with_field(&name, "is not known here"));
        }
        problem.map_or(Ok(()), Err)
    }

    pub(crate) fn read(text: &str) -> Result<Self, Problem> {
        let unreadable = |detail: &str| Problem::new(Code::InvalidQuery, detail);
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|_| unreadable("The query cannot be read."))?;
        let left = pairs.into_inner();
        if left.len() > MAX_PARAMETERS {
            return Err(unreadable("The query has too many parameters."));
        }
        for (at, (name, value)) in left.iter().enumerate() {
            if value.chars().any(char::is_control) {
                return Err(bad(name, "has a control character"));
            }
            if left.iter().take(at).any(|(other, _)| other == name) {
                return Err(bad(name, "stands twice"));
            }
        }
        Ok(Self { left, taken: Vec::new() })
    }
}

impl FromRequest for Query {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.query_string()))
    }
}

fn bad(name: &str, detail: &str) -> Problem {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
    Problem::new(Code::InvalidQuery, format!("`{name}` {detail}.")).with_field(&name, detail)
}

fn name_of(list: &str, mut filters: Vec<(&'static str, String)>) -> String {
    filters.sort_unstable();
    // No value holds a control character, so none can pass for two.
    filters.iter().fold(list.to_owned(), |name, (key, value)| format!("{name}\n{key}={value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_doubled_and_unreadable_parameters_are_named() {
        let unknown = Query::read("a=1&b=2").expect("readable").finish().expect_err("nobody took them");
        assert!(unknown.to_string().contains("`a`"), "{unknown}");
        assert!(Query::read("a=1&a=2").is_err_and(|problem| problem.to_string().contains("twice")));
        assert!(Query::read("a=%00").is_err());
    }

    #[test]
    fn the_name_of_a_list_depends_on_its_filters_and_not_on_their_order() {
        let name = |text: &str| {
            let mut query = Query::read(text).expect("readable");
            let _ = (query.text("a"), query.text("b"));
            name_of("list", query.taken)
        };
        assert_eq!(name("a=1&b=2"), name("b=2&a=1"));
        assert_ne!(name("a=1"), name("a=2"));
        assert_ne!(name("a=1"), name(""));
    }
}
