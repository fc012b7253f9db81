//! The disk is full.

use std::{fs::File, io::Write, path::PathBuf, process::Command, time::Duration};

use crate::harness::{Database, Receiver, Route, STRIPE_SECRET, Server, poll_until, sign, text};

/// A disk of its own for the server, as a tmpfs in a mount namespace: neither root nor a change to the machine needed.
const NAMESPACE: [&str; 4] = ["unshare", "--map-root-user", "--mount", "sh"];
/// Mounts it over the data folder, with what was in there.
const MOUNT: &str = r#"set -e
kept="$(mktemp -d)"
cp -a "$POSTERN_DATA_DIR/." "$kept/"
mount -t tmpfs -o size=16m none "$POSTERN_DATA_DIR"
cp -a "$kept/." "$POSTERN_DATA_DIR/"
rm -rf "$kept"
exec "$@""#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_recovers_when_there_is_room_again() {
    let can = Command::new(NAMESPACE[0]).args([NAMESPACE[1], NAMESPACE[2], "true"]).status();
    assert!(
        can.is_ok_and(|status| status.success()),
        "this system lets nobody make a mount namespace, which this test fills a disk in: allow `unshare --map-root-user --mount`"
    );
    let mut server = Server::start(Database::Sqlite).await;
    let api = server.bootstrap().await;
    let receiver = Receiver::start().await;
    let route = Route::to(&api, &receiver).await;
    server.sigterm().await;
    server.run_in(NAMESPACE.iter().copied().chain(["-c", MOUNT, "sh"]));
    server.restart().await;
    let mut accepted = vec![route.accepted("evt_first").await];

    let ballast = PathBuf::from(format!("/proc/{}/root{}/ballast", server.pid(), server.data_dir().display()));
    fill(&ballast);
    let refused = poll_until(Duration::from_secs(60), "the disk is full", async || {
        let answer = send_large(&route, accepted.len()).await;
        match answer.status {
            200 => {
                accepted.push(text(&answer.json(), "id"));
                None
            }
            _ => Some(answer),
        }
    });
    let refused = refused.await;
    assert_eq!(refused.status, 503, "{}", refused.json());
    assert!(refused.header("retry-after").is_some());
    assert_eq!(api.get("/events").await.0, 200, "what is there can be read");
    assert_eq!(api.get(&format!("/events/{}", accepted[0])).await.0, 200);
    // What is small may still find room in the log; that it is stored then, the answer says.
    poll_until(Duration::from_secs(60), "nothing small fits either", async || {
        let status = api.post("/sources", serde_json::json!({ "name": "ours", "kind": "publish" })).await.0;
        assert!([201, 503].contains(&status), "{status}");
        (status == 503).then_some(())
    })
    .await;

    std::fs::remove_file(&ballast).expect("the ballast goes");
    poll_until(Duration::from_secs(20), "there is room again", async || {
        let answer = route.send("evt_last", "payment.paid").await;
        (answer.status == 200).then(|| accepted.push(text(&answer.json(), "id")))
    })
    .await;
    for id in &accepted {
        route.event_is(id, "delivered").await;
        assert_eq!(receiver.of(id).len(), 1, "{id}");
    }
}

/// Takes all the room there is.
fn fill(ballast: &std::path::Path) {
    let mut file = File::create(ballast).expect("the server's disk");
    for size in [65_536, 4_096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

async fn send_large(route: &Route, number: usize) -> crate::harness::Answer {
    let body = format!(r#"{{"id":"evt_large_{number}","type":"payment.paid","data":"{}"}}"#, "x".repeat(200_000));
    let headers = sign::stripe(STRIPE_SECRET, sign::now_s(), body.as_bytes());
    route.api.post_raw(&route.front_door, &headers, body.as_bytes()).await.expect("an answer")
}
