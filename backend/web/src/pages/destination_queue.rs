//! Of a queue: what waits in it, and how it is pulled from.

use postern_domain::queue::QueueSettings;
use postern_frontend::{format, pages::destination::QueuePanel, parts::Fact};
use postern_store::{TenantStore, pull::Depth, tenant::Destination};

use super::{Halt, event_curl::quoted, rows::shown};
use crate::App;

/// The store counts no further.
const COUNTED: u64 = 5_000;

/// `None` for what is no queue.
pub(super) async fn panel(app: &App, store: &TenantStore, found: &Destination) -> Result<Option<QueuePanel>, Halt> {
    if found.queue.is_none() {
        return Ok(None);
    }
    let depth = store.queue_depth(found.id, app.engine.clock.now()).await?;
    let url = |verb: &str| format!("{}/api/v1/destinations/{}/{verb}", app.settings.public_url, found.id);
    Ok(Some(QueuePanel {
        depth: waiting(&depth),
        lease_curl: curl(&url("lease"), r#"{"max":10,"wait_s":20}"#),
        ack_curl: curl(&url("ack"), r#"{"receipts":["att_…"]}"#),
    }))
}

fn waiting(depth: &Depth) -> Vec<Fact> {
    let more = if depth.waiting >= COUNTED { " or more" } else { "" };
    let oldest = depth.oldest_due.map_or_else(|| "none waits".to_owned(), |at| shown(at).shown);
    vec![
        Fact::new("Waiting", format!("{}{more}", format::count(depth.waiting))),
        Fact::new("In flight", format::count(depth.in_flight)),
        Fact::new("Oldest waits since", oldest),
    ]
}

/// The key stands for itself: a page that showed one would show it to whoever looks over a shoulder.
fn curl(url: &str, body: &str) -> String {
    let headers = "-H \"authorization: Bearer $KEY\" -H 'content-type: application/json'";
    format!("curl -X POST {} \\\n  {headers} \\\n  -d {}", quoted(url), quoted(body))
}

/// How it is leased from.
pub(super) fn facts(queue: &QueueSettings) -> Vec<Fact> {
    let seconds = |seconds: u32| format::duration_us(u64::from(seconds) * 1_000_000);
    vec![
        Fact::new("Lease", seconds(queue.visibility_s)),
        Fact::new("Receives", queue.max_receives.to_string()),
        Fact::new("Leased at once", format::count(queue.max_in_flight.into())),
        Fact::new("Wait after it is given back", seconds(queue.retry_delay_s)),
    ]
}
