//! Keys from a server of their own, over TLS and by name, as from a provider.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use postern_domain::Secret;
use postern_egress::Options;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;

/// For `self-signed.badssl.test`, trusted nowhere.
const CERTIFICATE: &[u8] = include_bytes!("../../../egress/tests/main/self_signed.crt");
const CERTIFICATE_KEY: &[u8] = include_bytes!("../../../egress/tests/main/self_signed.key");
const NOON: Timestamp = Timestamp::from_secs(1_772_359_200);

/// What came to it.
struct Provider {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, config) = (Arc::clone(&asked), tls());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &config, answer, &counter);
            }
        });
        Self { address, asked }
    }

    fn wanted(&self, path: &str) -> KeyRequest {
        KeyRequest {
            url: format!("https://self-signed.badssl.test:{}{path}", self.address.port()),
            method: "POST",
            body: Some(Secret::new(b"{}".to_vec())),
            host_suffix: "badssl.test".into(),
            cache_as: path.to_owned(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn tls() -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(CERTIFICATE_KEY).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(chain, key).expect("a matching key"))
}

/// Counts before it answers, so that who has the answer finds it counted.
fn serve(stream: TcpStream, config: &Arc<ServerConfig>, answer: &str, counter: &AtomicUsize) {
    let session = ServerConnection::new(Arc::clone(config)).expect("a session");
    let mut tls = StreamOwned::new(session, stream);
    if tls.read(&mut [0; 4_096]).is_ok() {
        counter.fetch_add(1, Ordering::SeqCst);
        let _ = tls.write_all(answer.as_bytes()).and_then(|()| tls.flush());
        tls.conn.send_close_notify();
        let _ = tls.flush();
    }
}

/// Every name is at 127.0.0.1.
fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let mut answer = question[..length].to_vec();
            let wants_v4 = answer[length - 3] == 1;
            (answer[2], answer[3], answer[7]) = (answer[2] | 0x80, 0x80, u8::from(wants_v4));
            if wants_v4 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

fn client() -> Client {
    let allow = vec!["127.0.0.0/8".parse().expect("a block")];
    let extra_roots_pem = vec![CERTIFICATE.to_vec()];
    Client::new(Options { allow, extra_roots_pem, dns: Some(names()), ..Options::default() }).expect("a client")
}

fn of(keys: &Keys, now: Timestamp) -> KeysOf<'_> {
    KeysOf { keys, source: SourceId::from_uuid(uuid::Uuid::nil()), now }
}

const KEY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nkey";

#[tokio::test]
async fn a_key_is_fetched_once_for_all_who_wait_and_again_when_it_is_old() {
    let (provider, client, keys) = (Provider::answering(KEY), client(), Keys::default());
    let (now, wanted) = (of(&keys, NOON), provider.wanted("/one"));
    assert!(now.find("/one").is_none());
    let (first, second) = tokio::join!(now.fetch(&client, &wanted), now.fetch(&client, &wanted));
    assert_eq!((first, second, provider.asked()), (Ok(()), Ok(()), 1));
    assert_eq!(now.find("/one").as_deref(), Some(&b"key".to_vec()));
    assert_eq!((now.fetch(&client, &wanted).await, provider.asked()), (Ok(()), 1));
    let other = KeysOf { source: SourceId::fresh(), ..now };
    assert!(other.find("/one").is_none(), "each source has its own");
    let later = of(&keys, NOON.plus_secs(MAX_AGE_S));
    assert!(later.find("/one").is_none());
    assert_eq!((later.fetch(&client, &wanted).await, provider.asked()), (Ok(()), 2));
    keys.tidy(NOON.plus_secs(2 * MAX_AGE_S));
    assert_eq!(keys.cells.lock().len(), 0);
}

#[tokio::test]
async fn what_is_not_a_key_is_none() {
    let large = "HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n";
    let elsewhere = "HTTP/1.1 302 Found\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n\r\n";
    let empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let unknown = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let client = client();
    for (answer, cause) in [
        (large, NoKey::Unreachable),
        (elsewhere, NoKey::Unreachable),
        (empty, NoKey::Unreachable),
        (unknown, NoKey::Unknown),
    ] {
        let (provider, keys) = (Provider::answering(answer), Keys::default());
        let (now, wanted) = (of(&keys, NOON), provider.wanted("/one"));
        assert_eq!(now.fetch(&client, &wanted).await, Err(cause), "{answer}");
        assert_eq!(now.fetch(&client, &wanted).await, Err(cause), "{answer}");
        assert_eq!(provider.asked(), 1, "a failure is remembered: {answer}");
        assert!(now.find("/one").is_none());
    }
}

#[tokio::test]
async fn only_the_pinned_host_is_asked() {
    let (provider, client, keys) = (Provider::answering(KEY), client(), Keys::default());
    let port = provider.address.port();
    for (place, url) in [
        format!("http://self-signed.badssl.test:{port}/"),
        format!("https://badssl.test.example.com:{port}/"),
        format!("https://evilbadssl.test:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://badssl.test@example.com:{port}/"),
        "nowhere".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let wanted = KeyRequest { url: url.clone(), cache_as: place.to_string(), ..provider.wanted("/") };
        assert_eq!(of(&keys, NOON).fetch(&client, &wanted).await, Err(NoKey::Unknown), "{url}");
    }
    assert_eq!(provider.asked(), 0);
}

#[tokio::test]
async fn a_stranger_cannot_have_it_ask_or_remember_without_end() {
    let (client, keys) = (client(), Keys::default());
    let now = of(&keys, NOON);
    let mut refused = 0;
    for place in 0..100 {
        let nowhere = KeyRequest {
            url: "http://nowhere.test/".to_owned(),
            method: "GET",
            body: None,
            host_suffix: "badssl.test".into(),
            cache_as: place.to_string(),
        };
        refused += usize::from(now.fetch(&client, &nowhere).await == Err(NoKey::Unreachable));
    }
    assert!(refused >= 80, "{refused} were not even tried");
    assert!(keys.cells.lock().len() <= MAX_PER_SOURCE);
}
