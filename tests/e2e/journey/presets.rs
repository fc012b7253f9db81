//! An operator's own preset: read at start, or named when it cannot be used.

use serde_json::json;

use crate::harness::{Database, Server, on_every_database, text};

const PRESET: &str = r#"
name = "House"
category = "own"
where_to_click = "Nowhere."

[[scheme]]
id = "house"
label = "Signature"
trust = "B"
covers = "The body."
leaves_out = "The time."
secret = { label = "Secret", hint = "As it is." }
verify = { kind = "hmac", header = "X-House", encoding = "lower-hex" }
"#;
/// Over `{"n":1}`, with `open sesame 0123456789`.
const SIGNATURE: &str = "5b909cc8a581f94ac14e954645448b7da0e5e25aaa8601601f87e89c8042ef65";

on_every_database! {
    async fn a_preset_of_the_operator_is_known_and_a_bad_one_stops_the_start(database: Database) {
        let mut server = Server::start(database).await;
        let key = server.bootstrap().await;
        let fields = json!({ "name": "h", "kind": "webhook", "provider": "house", "secrets": ["open sesame 0123456789"] });
        let (status, refused) = key.post("/sources", fields.clone()).await;
        assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("provider")), "{refused}");
        server.sigterm().await;
        let folder = server.data_dir().join("presets");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("house.toml"), PRESET.replace("trust = \"B\"", "trust = \"Z\"")).expect("written");
        let output = server.run(&["serve"]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("house.toml") && said.contains("trust"), "{said}");
        std::fs::write(folder.join("house.toml"), PRESET).expect("written");
        server.restart().await;
        let source = key.created("/sources", fields).await;
        let url = text(&source, "ingest_url");
        let path = url.find("/in/").map_or("", |start| &url[start..]);
        let signed = vec![("x-house".to_owned(), SIGNATURE.to_owned())];
        let answer = key.post_raw(path, &signed, br#"{"n":1}"#).await.expect("an answer");
        assert_eq!(answer.status, 200);
        let answer = key.post_raw(path, &signed, br#"{"n":2}"#).await.expect("an answer");
        assert_eq!(answer.status, 401);
    }
}
