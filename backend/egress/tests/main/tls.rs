//! TLS: whom the client believes, and how it calls what went wrong.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use postern_domain::attempt::ResultKind;
use postern_egress::{BuildError, Client, Options};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    lab::{Server, client, send},
    lab_dns,
};

/// Made for these tests, valid until 2126 for `self-signed.badssl.test`, trusted nowhere.
const CERTIFICATE: &[u8] = include_bytes!("self_signed.crt");
const KEY: &[u8] = include_bytes!("self_signed.key");

/// A TLS server with the self-signed certificate.
pub(crate) fn self_signed() -> Server {
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a matching key");
    let config = Arc::new(config);
    Server::accept("127.0.0.1".parse().expect("an address"), move |stream: TcpStream, _| {
        let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
        let mut tls = StreamOwned::new(session, stream);
        if tls.read(&mut [0; 4_096]).is_ok() {
            let _ = tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").and_then(|()| tls.flush());
        }
    })
}

fn loopback_dns() -> std::net::SocketAddr {
    lab_dns::start(|question| question.addresses(&["127.0.0.1"]))
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_unless_the_operator_does() {
    let server = self_signed();
    let url = format!("https://self-signed.badssl.test:{}/", server.address.port());
    let refused = send(&client(&["127.0.0.0/8"], Some(loopback_dns())), &url, 5_000).await;
    assert_eq!((refused.kind, refused.status), (ResultKind::Tls, None), "{refused:?}");
    let options = Options {
        allow: vec!["127.0.0.0/8".parse().expect("a block")],
        dns: Some(loopback_dns()),
        extra_roots_pem: vec![CERTIFICATE.to_vec()],
        ..Options::default()
    };
    let trusting = Client::new(options).expect("a client");
    let answered = send(&trusting, &url, 5_000).await;
    assert_eq!((answered.kind, answered.status), (ResultKind::Answered, Some(204)), "{answered:?}");
    let timings = answered.timings;
    assert!(timings.dns_us.is_some() && timings.dns_us < timings.connect_us, "{timings:?}");
    let other_name = url.replace("self-signed", "other-name");
    assert_eq!(send(&trusting, &other_name, 5_000).await.kind, ResultKind::Tls, "the name must match");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_tls_failure() {
    let ip = "127.0.0.1".parse().expect("an address");
    let plain = Server::accept(ip, |mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 4_096]);
    });
    let closing = Server::accept(ip, |mut stream, _| {
        let _ = stream.read(&mut [0; 4_096]);
    });
    let client = client(&["127.0.0.0/8"], None);
    for server in [plain, closing] {
        let exchange = send(&client, &format!("https://{}/", server.address), 5_000).await;
        assert_eq!(exchange.kind, ResultKind::Tls, "{exchange:?}");
        assert!(exchange.detail.expect("a text").starts_with("TLS: "));
    }
}

#[test]
fn roots_that_are_none_are_an_error_at_the_start() {
    let pem = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n".to_vec();
    let failure = Client::new(Options { extra_roots_pem: vec![pem], ..Options::default() }).err();
    assert!(matches!(failure, Some(BuildError::Roots(_) | BuildError::Http(_))), "{failure:?}");
}
