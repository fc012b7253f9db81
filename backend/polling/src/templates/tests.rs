use std::collections::HashSet;

use serde_json::json;

use super::*;
use crate::{Page, PollSettings, read_page};

fn filled(id: &str) -> PollSettings {
    let template = all().into_iter().find(|template| template.id == id).expect("the template is there");
    let values = template.fields.iter().map(|field| (field.name.clone(), field.example.clone())).collect();
    let settings = template.fill(&values);
    assert!(!settings.to_string().contains("[["), "{id}: a place without a field");
    PollSettings::parse(&settings, 5).unwrap_or_else(|invalid| panic!("{id}: {invalid}"))
}

fn summary(page: &Page<'_>) -> Vec<(String, Option<String>)> {
    page.items.iter().map(|item| (item.id.clone(), item.event_type.clone())).collect()
}

#[test]
fn every_template_is_read_and_is_valid() {
    let templates = all();
    assert_eq!(templates.len(), FILES.len());
    let ids: HashSet<&str> = templates.iter().map(|template| template.id.as_str()).collect();
    assert_eq!(ids.len(), FILES.len());
    for template in &templates {
        filled(&template.id);
        assert!(template.docs_url.starts_with("https://") && !template.about.is_empty());
        for field in &template.fields {
            assert!(template.settings.to_string().contains(&format!("[[{}]]", field.name)), "{}", template.id);
        }
    }
}

#[test]
fn what_is_not_given_is_found_by_the_parser() {
    let template = all().into_iter().find(|template| template.id == "json_feed").expect("the template is there");
    assert!(PollSettings::parse(&template.fill(&BTreeMap::new()), 5).is_err(), "`[[url]]` is no address");
}

/// As the providers' documents show their answers, shortened.
#[test]
fn the_templates_read_what_the_providers_answer() {
    let stripe = json!({"object": "list", "url": "/v1/events", "has_more": false, "data": [
        {"id": "evt_1NG8Du2eZvKYlo2CUI79vXWy", "object": "event", "created": 1_686_089_970, "type": "setup_intent.created"},
    ]});
    let github = json!([{"id": "22249084964", "type": "PushEvent", "created_at": "2022-06-09T12:47:28Z"}]);
    let telegram =
        json!({"ok": true, "result": [{"update_id": 10_000, "message": {"message_id": 1365, "date": 1_441_645_532}}]});
    let rest = json!([{"id": 7, "updated_at": "2026-03-01T00:00:00Z"}]);
    let feed = json!({"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [{"id": "2", "url": "https://example.org/2"}]});
    let table = [
        ("stripe_events", stripe, "evt_1NG8Du2eZvKYlo2CUI79vXWy", Some("setup_intent.created")),
        ("github_events", github, "22249084964", Some("PushEvent")),
        ("telegram_updates", telegram, "10000", Some("telegram.update")),
        ("rest_updated_since", rest, "7", None),
        ("json_feed", feed, "2", Some("feed.entry")),
    ];
    for (id, body, expected, event_type) in table {
        let body = body.to_string();
        let page = read_page(&filled(id), body.as_bytes()).expect("a page");
        assert_eq!(summary(&page), [(expected.to_owned(), event_type.map(str::to_owned))], "{id}");
    }
    let rss = br#"<rss version="2.0"><channel><title>x</title><item><guid>a-1</guid><title>One</title></item></channel></rss>"#;
    let page = read_page(&filled("rss_or_atom"), rss).expect("a feed");
    assert_eq!(summary(&page), [("a-1".to_owned(), Some("feed.entry".to_owned()))]);
}

/// What a template calls secret stands where settings keep secrets.
#[test]
fn what_is_secret_is_shown_nowhere() {
    for template in all() {
        let given = |field: &TemplateField| if field.is_secret { "s3cret".to_owned() } else { field.example.clone() };
        let values = template.fields.iter().map(|field| (field.name.clone(), given(field))).collect();
        let settings = PollSettings::parse(&template.fill(&values), 5).expect("valid");
        let shown = settings.shown().to_string();
        assert!(!shown.contains("s3cret"), "{}: {shown}", template.id);
    }
}
