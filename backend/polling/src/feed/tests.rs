use serde_json::json;

use super::*;
use crate::{read_page, sample::settings};

#[test]
fn an_atom_entry_is_one_json_value() {
    let atom = br#"<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>News</title><id>urn:feed</id><updated>2026-03-01T12:00:00Z</updated>
  <entry>
    <id>urn:entry:1</id><title>First &amp; last</title><updated>2026-03-01T13:00:00+01:00</updated>
    <link rel="self" href="https://example.org/1.atom"/><link href="https://example.org/1"/>
    <author><name>Ada</name></author><category term="a"/><summary>Short</summary>
    <content type="html">&lt;p&gt;Long&lt;/p&gt;</content>
  </entry>
</feed>"#;
    let entries = entries(atom).expect("a feed");
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry["id"], "urn:entry:1");
    assert_eq!(entry["title"], "First & last");
    assert_eq!(entry["url"], "https://example.org/1");
    assert_eq!(entry["updated"], "2026-03-01T12:00:00Z");
    assert_eq!(entry["authors"], json!(["Ada"]));
    assert_eq!(entry["categories"], json!(["a"]));
    assert_eq!(entry["content"], "<p>Long</p>");
    assert!(entry.get("published").is_none(), "what is not there is left out");
}

#[test]
fn an_rss_item_is_known_by_guid_or_link() {
    let rss = br#"<rss version="2.0"><channel><title>x</title><link>https://example.org</link>
  <item><guid isPermaLink="false">g-1</guid><link>https://example.org/1</link>
    <pubDate>Sun, 01 Mar 2026 12:00:00 GMT</pubDate>
    <enclosure url="https://example.org/1.mp3" length="12" type="audio/mpeg"/></item>
  <item><link>https://example.org/2</link><title>Two</title></item>
  <item><title>Nothing to know it by</title></item>
</channel></rss>"#;
    let page = read_page(&settings(json!({"format": "feed"})), rss).expect("a feed");
    let ids: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["g-1", "https://example.org/2"]);
    assert_eq!(page.quarantined.len(), 1, "no id is made up");
    let first: Value = serde_json::from_slice(&page.items[0].raw).expect("JSON");
    assert_eq!(first["published"], "2026-03-01T12:00:00Z");
    assert_eq!(first["enclosures"][0]["url"], "https://example.org/1.mp3");
    let again = read_page(&settings(json!({"format": "feed"})), rss).expect("a feed");
    assert_eq!(page, again, "the same feed gives the same bytes");
}

#[test]
fn a_json_feed_is_read_too() {
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1", "title": "x",
        "items": [{"id": "2", "content_text": "Hi", "url": "https://example.org/2", "date_published": "2026-03-01T12:00:00Z"}],
    });
    let entries = entries(feed.to_string().as_bytes()).expect("a feed");
    assert_eq!((&entries[0]["id"], &entries[0]["published"]), (&json!("2"), &json!("2026-03-01T12:00:00Z")));
}

#[test]
fn what_is_no_feed_is_a_fault() {
    for body in [&b""[..], b"<html><body>Sign in</body></html>", b"{\"data\": []}", b"<rss", b"\xff\xfe\x00"] {
        assert!(matches!(entries(body), Err(PageFault::NotFeed { .. })), "{}", String::from_utf8_lossy(body));
    }
    // Entities that grow are not expanded.
    let bomb = br#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>
<rss version="2.0"><channel><title>&b;</title><item><guid>1</guid></item></channel></rss>"#;
    if let Ok(entries) = entries(bomb) {
        assert!(entries.len() <= 1);
    }
}

/// A page is written by strangers: however deep it is nested, reading it must come back.
#[test]
fn deep_feeds_do_not_break_the_reader() {
    let deep = |name: &str| {
        let open = format!("<{name} text='x' url='y'>").repeat(50_000);
        format!("{open}x{}", format!("</{name}>").repeat(50_000))
    };
    let names = ["a", "title", "item", "description", "category", "media:group", "media:content", "content", "channel"];
    let spaces =
        "xmlns:media='http://search.yahoo.com/mrss/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'";
    for name in names.into_iter().chain(["itunes:category", "itunes:owner", "entry", "author", "source"]) {
        let inside = deep(name);
        let rss =
            format!("<rss version='2.0' {spaces}><channel>{inside}<item><guid>1</guid>{inside}</item></channel></rss>");
        let atom = format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' {spaces}><entry><id>1</id>\
             <content type='xhtml'>{inside}</content></entry>{inside}</feed>"
        );
        for page in [rss, atom] {
            // Whether it is a feed is not the question.
            let _ = entries(page.as_bytes());
        }
    }
    let json = format!(
        r#"{{"version": "https://jsonfeed.org/version/1.1", "items": {}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(entries(json.as_bytes()).is_err());
}

#[test]
fn depth_is_measured_whatever_hides_it() {
    let feed =
        |inside: &str| format!("<rss version='2.0'><channel><item><guid>1</guid>{inside}</item></channel></rss>");
    let table = [
        ("<a>".repeat(300) + &"</a>".repeat(300), false),
        ("<a><!--</a>-->".repeat(300), false),
        ("<a><![CDATA[</a>]]>".repeat(300), false),
        ("<a><?x </a>?>".repeat(300), false),
        ("<a b='</a>'>".repeat(300), false),
        ("<a></a \"></a>\">".to_owned() + &"<a></b '></b>'><a>".repeat(300), false),
        ("<a><!DOCTYPE x '</a>'>".repeat(300), false),
        ("<a><!--></a><!---->".to_owned(), false),
        ("<a></a >\n<b/><b c='>'/>".repeat(300), true),
        ("<!-- <a> -->".repeat(300) + "<![CDATA[<a><a>]]>", true),
    ];
    for (inside, expected) in table {
        assert_eq!(depth::check(feed(&inside).as_bytes()).is_ok(), expected, "{}", &inside[..20]);
    }
    assert!(depth::check(b"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a \"<b>\">]><rss/>").is_ok());
    for odd in [&b"<"[..], b"<a", b"<!--", b"<a b='", b"<\0r\0s\0s\0>\0", b"\x1b$B</"] {
        assert!(depth::check(odd).is_err(), "{odd:?}");
    }
}

#[test]
fn an_empty_feed_is_an_empty_page() {
    let rss = br#"<rss version="2.0"><channel><title>x</title></channel></rss>"#;
    assert_eq!(entries(rss).expect("a feed"), Vec::<Value>::new());
}
