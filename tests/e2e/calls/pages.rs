//! Calls as people see them.

use serde_json::json;

use super::stand::{SOON, Stand};
use crate::{
    harness::{Browser, Database, Server, member, on_every_database, poll_until, text},
    polling::upstream::Said,
};

async fn page(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Somebody of this role, and the way to the pages of their tenant.
async fn somebody(stand: &Stand, server: &Server, role: &str) -> (Browser, String) {
    let email = format!("{role}@example.com");
    member(&stand.api, &email, role).await;
    let mut browser = Browser::logged_in(server, &email).await;
    let home = browser.get("/").await.header("location").expect("a way home").to_owned();
    (browser, home.trim_end_matches('/').to_owned())
}

on_every_database! {
    async fn a_call_is_looked_at_cancelled_and_made_again(database: Database) {
        let stand = Stand::new(database, |_| Said::Whole(500, Vec::new(), b"<script>alert(1)</script>".to_vec())).await;
        let (mut editor, home) = somebody(&stand, &stand.server, "editor").await;
        let none = page(&mut editor, &format!("{home}/calls")).await;
        assert!(none.contains("No calls yet") && none.contains("/api/v1/calls -H"), "{none}");
        let wish = json!({ "retry": { "max": 0 }, "metadata": { "order": 7 },
            "request": { "headers": { "authorization": "hush-1" } } });
        let failed = text(&stand.call("/down?key=hush-2", wish).await, "id");
        let call = stand.ended(&failed, "failed").await;
        let waiting = text(&stand.call("/later", json!({ "delay_s": 3_600 })).await, "id");
        let list = page(&mut editor, &format!("{home}/calls")).await;
        assert!(list.contains(&failed) && list.contains(&waiting), "{list}");
        let filtered = page(&mut editor, &format!("{home}/calls?state=failed")).await;
        assert!(filtered.contains(&failed) && !filtered.contains(&waiting));
        let path = format!("{home}/calls/{failed}");
        let shown = page(&mut editor, &path).await;
        for part in ["/down?key=***", "the upstream answered 500", "order", "&#60;script&#62;alert(1)", "/redrive"] {
            assert!(shown.contains(part), "no {part} in {shown}");
        }
        assert!(shown.contains(&text(&call, "event_id")), "no way to its event");
        assert!(!format!("{shown}{list}").contains("hush") && !shown.contains("/cancel\""));
        let raw = editor.get(&format!("{path}/raw")).await;
        assert_eq!((raw.status, raw.header("content-type")), (200, Some("application/octet-stream")));
        // What waits is cancelled, and what failed is made again, by the person who is logged in.
        let cancelled = editor.post(&format!("{home}/calls/{waiting}/cancel"), "").await;
        assert_eq!(cancelled.status, 303);
        let after = stand.ended(&waiting, "cancelled").await;
        let last = after["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
        assert_eq!(last["actor_kind"], "user");
        let again = editor.post(&format!("{path}/redrive"), "").await;
        let next = again.header("location").expect("the new call").to_owned();
        let made = poll_until(SOON, "it was made again", async || {
            Some(page(&mut editor, &next).await).filter(|page| page.contains("the upstream answered 500"))
        })
        .await;
        assert!(made.contains(&format!("/calls/{failed}")), "it names the first");
        // Who may only look is offered nothing else.
        let (mut viewer, home) = somebody(&stand, &stand.server, "viewer").await;
        let looked = page(&mut viewer, &format!("{home}/calls/{failed}")).await;
        assert!(!looked.contains("/redrive\"") && looked.contains("the upstream answered 500"));
    }
}
