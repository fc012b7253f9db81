//! Every page with every sample, held to the same rules.

mod html;

use html::{Document, Tag};

use super::{events::EventList, source::SourceDetail};
use crate::{Page, Sample, gallery};

/// Runs a rule over all of them and says where it does not hold.
#[track_caller]
fn every_page(rule: impl Fn(&Document) -> Vec<String>) {
    let mut findings = Vec::new();
    for (name, html) in gallery::shown() {
        let document = Document::read(&html).unwrap_or_else(|fault| panic!("{name}: {fault}\n{html}"));
        findings.extend(rule(&document).into_iter().map(|finding| format!("{name}: {finding}")));
    }
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}

#[test]
fn every_page_is_one_whole_document_with_a_title_and_one_heading() {
    for (name, html) in gallery::shown() {
        assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"), "{name}");
        assert!(html.contains(" · Postern</title>"), "{name}");
    }
    every_page(|document| {
        // A drawing may have titles of its own.
        let in_drawings = |name: &str| {
            let drawings = document.all("svg").flat_map(|svg| document.within(svg));
            drawings.filter(|tag| tag.name == name).count()
        };
        let number = |name: &str| document.all(name).count() - in_drawings(name);
        let counted = [("html", 1), ("title", 1), ("h1", 1), ("main", 1)].into_iter();
        counted
            .filter(|(name, wanted)| number(name) != *wanted)
            .map(|(name, _)| format!("{} <{name}>", number(name)))
            .collect()
    });
}

#[test]
fn hostile_text_stays_text() {
    for (name, html) in gallery::shown() {
        for broken_out in ["<script>alert", "<img", "onerror=alert(1)>"] {
            assert!(!html.contains(broken_out), "{name}: {broken_out}");
        }
    }
    let hostile = gallery::shown().into_iter().filter(|(name, _)| name.ends_with(", hostile"));
    for (name, html) in hostile {
        assert!(html.contains("&#60;script&#62;alert(1)"), "{name} shows none of its texts");
        assert!(html.contains("[U+202E]"), "{name} hides what turns its text around");
    }
}

#[test]
fn nothing_runs_or_is_styled_inline() {
    every_page(|document| {
        let inline = |tag: &&Tag| tag.attributes.iter().any(|(name, _)| name == "style" || name.starts_with("on"));
        let mut findings: Vec<String> = document.tags.iter().filter(inline).map(|tag| format!("{tag:?}")).collect();
        findings.extend(document.all("style").map(|tag| format!("{tag:?}")));
        for script in document.all("script") {
            let from_us = script.get("src").is_some_and(|src| src.starts_with("/assets/"));
            if !from_us || script.get("nonce") != Some("bm9uY2U") || script.get("defer").is_none() {
                findings.push(format!("{script:?}"));
            }
        }
        findings
    });
}

#[test]
fn styles_and_scripts_are_our_own_files() {
    every_page(|document| {
        let links = document.all("link").filter_map(|tag| tag.get("href"));
        let files = links.chain(document.all("script").filter_map(|tag| tag.get("src")));
        files
            .filter(|path| crate::assets::find(path).is_none())
            .map(|path| format!("there is no file `{path}`"))
            .collect()
    });
}

#[test]
fn every_form_that_changes_something_carries_a_token() {
    every_page(|document| {
        let posts = document.all("form").filter(|form| form.get("method") == Some("post"));
        let lacks = |form: &&Tag| {
            let within = document.within(form);
            !within.iter().any(|tag| tag.get("name") == Some("_csrf") && tag.get("value") == Some("token"))
        };
        posts.filter(lacks).map(|form| format!("{form:?}")).collect()
    });
}

#[test]
fn every_input_has_a_label() {
    every_page(|document| {
        let labels: Vec<&str> = document.all("label").filter_map(|label| label.get("for")).collect();
        let inputs = document.tags.iter().filter(|tag| ["input", "select", "textarea"].contains(&tag.name.as_str()));
        let lacks = |tag: &&Tag| {
            let labelled = tag.get("id").is_some_and(|id| labels.contains(&id)) || tag.get("aria-label").is_some();
            tag.get("type") != Some("hidden") && !labelled
        };
        inputs.filter(lacks).map(|tag| format!("{tag:?}")).collect()
    });
}

#[test]
fn what_refers_to_an_id_finds_it_and_ids_are_unique() {
    every_page(|document| {
        let ids: Vec<&str> = document.tags.iter().filter_map(|tag| tag.get("id")).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        let twice = sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| format!("id `{}` twice", pair[0]));
        let mut findings: Vec<String> = twice.collect();
        for tag in &document.tags {
            let named = ["for", "aria-labelledby", "aria-describedby", "data-copy"]
                .into_iter()
                .filter_map(|name| tag.get(name));
            let linked = tag.get("href").and_then(|href| href.strip_prefix('#'));
            let wanted = named.flat_map(str::split_whitespace).chain(linked);
            findings.extend(wanted.filter(|id| !ids.contains(id)).map(|id| format!("no `{id}` for {tag:?}")));
        }
        findings
    });
}

#[test]
fn tables_say_what_they_are_and_their_cells_can_stack() {
    every_page(|document| {
        let mut findings = Vec::new();
        for table in document.all("table") {
            let within = document.within(table);
            if !within.iter().any(|tag| tag.name == "caption") {
                findings.push("a table without a caption".to_owned());
            }
            let bare = within.iter().filter(|tag| tag.name == "td" && tag.get("data-th").is_none());
            findings.extend(bare.map(|tag| format!("no data-th: {tag:?}")));
            let scopeless = within.iter().filter(|tag| tag.name == "th" && tag.get("scope").is_none());
            findings.extend(scopeless.map(|tag| format!("no scope: {tag:?}")));
        }
        findings
    });
}

#[test]
fn what_may_not_be_done_is_not_offered() {
    let mut page = SourceDetail::samples().remove(1).1;
    (page.shell.can_write, page.shell.can_admin) = (false, false);
    let html = page.html().expect("a page");
    for path in ["/pause\"", "/edit\"", "/delete\"", "/reveal\"", "/rotate-url\"", "connections/new"] {
        assert!(!html.contains(path), "{path}");
    }
}

#[test]
fn scripts_for_live_rows_are_loaded_only_where_rows_are_live() {
    let mut page = EventList::samples().remove(1).1;
    assert!(!page.html().expect("a page").contains("htmx"));
    page.shell.live_href = Some("/t/x/events/live".to_owned());
    let html = page.html().expect("a page");
    assert!(html.contains(crate::assets::href("htmx.js")) && html.contains("\"mode\":\"same-origin\""));
    let document = Document::read(&html).expect("HTML");
    let is_live = |tag: &&Tag| tag.attributes.iter().any(|(name, _)| name.starts_with("hx-"));
    let live: Vec<&Tag> = document.tags.iter().filter(is_live).collect();
    assert!(live.len() == 1 && live[0].get("hx-nonce") == Some("bm9uY2U"), "{live:?}");
    // What is streamed later is the same part, and nothing else.
    let part = page.as_live().html().expect("a part");
    assert!(html.contains(part.trim()) && part.contains("<tr id=") && !part.contains("hx-"), "{part}");
}
