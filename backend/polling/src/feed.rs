//! RSS, Atom and JSON Feed: each entry as one JSON value of the same shape.
//!
//! `{id, title, url, updated, published, authors[], summary, content, content_type, categories[], links[], enclosures[]}`,
//! without what an entry does not have. Instants are RFC 3339 in UTC.

mod depth;

use chrono::{DateTime, SecondsFormat, Utc};
use feed_rs::{
    model::{Entry, Link},
    parser::Builder,
};
use serde_json::{Map, Value, json};

use crate::fault::PageFault;

/// # Errors
/// When the page is no feed.
pub(crate) fn entries(body: &[u8]) -> Result<Vec<Value>, PageFault> {
    let is_json = body.iter().find(|byte| matches!(byte, b'<' | b'{')) == Some(&b'{');
    if !is_json {
        depth::check(body).map_err(|detail| PageFault::NotFeed { detail: detail.to_owned() })?;
    }
    // An entry without an id gets its link below, or none: an id made up here would be another one with each run.
    let parser = Builder::new().id_generator(|_, _, _| String::new()).sanitize_content(false).build();
    let feed = parser.parse(body).map_err(|cause| PageFault::NotFeed { detail: cause.to_string() })?;
    Ok(feed.entries.into_iter().map(entry).collect())
}

fn entry(entry: Entry) -> Value {
    let url = link(&entry.links);
    let id = if entry.id.trim().is_empty() { url.clone() } else { Some(entry.id.trim().to_owned()) };
    let names: Vec<String> = entry.authors.into_iter().filter_map(|person| person.name).collect();
    let categories: Vec<String> = entry.categories.into_iter().map(|category| category.term).collect();
    let links: Vec<Value> = entry.links.iter().map(|link| json!({ "href": link.href, "rel": link.rel })).collect();
    let enclosures: Vec<Value> = entry
        .media
        .iter()
        .flat_map(|media| &media.content)
        .filter_map(|content| content.url.as_ref().map(|url| (url, content)))
        .map(|(url, content)| {
            json!({
                "url": url.as_str(),
                "type": content.content_type.as_ref().map(ToString::to_string),
                "bytes": content.size,
            })
        })
        .collect();
    let content_type = entry.content.as_ref().map(|content| content.content_type.to_string());
    let texts = [
        ("id", id),
        ("title", entry.title.map(|text| text.content)),
        ("url", url),
        ("updated", entry.updated.map(rfc3339)),
        ("published", entry.published.map(rfc3339)),
        ("summary", entry.summary.map(|text| text.content)),
        ("content", entry.content.and_then(|content| content.body)),
        ("content_type", content_type),
    ];
    let mut members: Map<String, Value> =
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))).collect();
    for (name, list) in [("authors", json!(names)), ("categories", json!(categories))] {
        members.insert(name.to_owned(), list);
    }
    members.insert("links".to_owned(), Value::Array(links));
    members.insert("enclosures".to_owned(), Value::Array(enclosures));
    Value::Object(members)
}

/// The entry's own page: `rel="alternate"` or unsaid, else the first link.
fn link(links: &[Link]) -> Option<String> {
    let own = links.iter().find(|link| matches!(link.rel.as_deref(), None | Some("alternate")));
    own.or_else(|| links.first()).map(|link| link.href.clone()).filter(|href| !href.is_empty())
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests;
