//! Keys made for these tests, and what signs with them.

use base64::{Engine, engine::general_purpose::STANDARD};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use rsa::{Pkcs1v15Sign, RsaPrivateKey, pkcs8::DecodePrivateKey};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::public_key::{PublicAlgorithm, PublicKey};

/// Of 2048 bits, in PKCS#8 and base64.
const RSA_PRIVATE: &str = "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCss68dJvgggzheid+fDCxaX3+owaw7MLqdvUoztFtPO9Ljo+xf\
     lyPOsUcZl/JthTPddMzjBa88oHq1ueZPLbTZvYiZ+yOs/IGU19MhIUmiPodw81kqhF/HAuouYI6uEhQ8F8iqiARUFyfDkeQ3Que9\
     eOtYjxp2Rqqib+pch/sSYdRKIB7sy0TUAs5hqw3p29E3PVInT4/tcOBV7Y4ZdXxNvM9B+RisUZU9ic6MF42pKsLMYVyGpeGQQPzx\
     Qbwmq1dAA4vPPpfv1gtDlCmjvwQBWDJIXvJeb7jxx8EjGFlg7xith3VbEYB8yBqB8DDOJhWVbCxZ5Zxuv3ttvf19t+sbAgMBAAEC\
     ggEABZW7ZqIDoE6uB8XFygeRG1Wjs9xROFNfciUm3Vx4HywwvFlpFhsjf6iVQ2Rnm85eA8u4hVc47ykNHtTqHIqsNQqxs0Ps7Fpm\
     XYOCq9/160bm0Dzq81Yb1xfLZRKxTM2kcJcNvSMwMlxAerqp/yztEpcE+DSLXgcYSa/F1RZaFyJlA52Pjnso6lkJ5vsTObTr7ZJY\
     G/IOynSwUKPyuADdbc2RCZ93sM3YGVNVpkZgLBr1OQZNgLGn0GUt7pR3gnK/+KJS5/wTSCW7RqgLuNPE1TdpaQDIaz4DU22pdk9E\
     Wh8+A6sDyNa5pIGsoyMoLtJKo+Fy371Ote9EWRWd/kYFYQKBgQDbTKX8+/dxngrl3pQVALqy3s8qD9Uh9TsyvC4Yuzu0xJx26j5p\
     Vhutx5pcrUnLuy8ZWA1PKVyKi52enJBzEjlgGn0e6w1OdyQ2fpARI0ozt+JbDTAhx1TosuMPiJ5TSdIV2pIFh5MgnaUAOWmUJdDf\
     mk7Q20GP5dYoDkUkR05zewKBgQDJmq2PbtsPI8BvUBe3HUa2JX4USAz7N1WRn54cdn6hSyTIJ8QNL0khXBFxJBd/l3I7FEDD8xVJ\
     WGYsjPwheqwecZRR88A+8cB5MFN80SwCRTzSEJA3cOiMIpPunXgAqNHGrBPhyNqtuDQ6oo630ioMwvqmoUttu+WOPf2+fNuE4QKB\
     gF12ZkvSqxvOKoDbgqsM24T+NraLdt95H5i44MCDk6ewH6sCnETSgQtoRV54MDpW9XTMtSdmzlzxseR2f427V56gy3CQ5uPpHRLo\
     j8fuDWLLXPpHPZs30/U0wFbPeAKxNItB0vfuVwMQjNDypw+PqlyR7ENRHrkQUFxT8J3Mkh/fAoGBALNBdVEzoFO11kUjUfLfdSA/\
     9frSlbhJWyxAYLWuJqoDxpCxywBuKvgehOO006//WPJu76dLXIH6t96k/QpHqQLoupijwyw0iI85CQLSee8K4Slm0NR68Eqp9B8W\
     pLzxXpToLEV18frE7qu0HnITzI/MTlIa2JaZm2L+e8AEBKwBAoGBAKFbwmoCp9ZPGKyHen0Xt8BEpM+13ywyhSr+EUZpNgnnV5jz\
     MQq5Viy93O6zwJGsgJL2GN6EJpcE208eShk5F0lJaxLTYtG7rCoXT1nwHcS73tQYLsYFHQTl0pzMRFv/gkIpdtBTPjgmOLZAszDy\
     W+Y9q54syEx6T7JPVm1deHE/";

/// Its public key.
pub(super) const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArLOvHSb4IIM4Xonfnwws
Wl9/qMGsOzC6nb1KM7RbTzvS46PsX5cjzrFHGZfybYUz3XTM4wWvPKB6tbnmTy20
2b2ImfsjrPyBlNfTISFJoj6HcPNZKoRfxwLqLmCOrhIUPBfIqogEVBcnw5HkN0Ln
vXjrWI8adkaqom/qXIf7EmHUSiAe7MtE1ALOYasN6dvRNz1SJ0+P7XDgVe2OGXV8
TbzPQfkYrFGVPYnOjBeNqSrCzGFchqXhkED88UG8JqtXQAOLzz6X79YLQ5Qpo78E
AVgySF7yXm+48cfBIxhZYO8YrYd1WxGAfMgagfAwziYVlWwsWeWcbr97bb39fbfr
GwIDAQAB
-----END PUBLIC KEY-----
";

/// A certificate of it for `sns.amazonaws.com`, until 2126.
pub(super) const SNS_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIDCDCCAfCgAwIBAgIBBzANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMu
YW1hem9uYXdzLmNvbTAgFw0yNjExMjIxMzA1MzlaGA8yMTI2MTAyOTEzMDUzOVow
HDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wggEiMA0GCSqGSIb3DQEBAQUA
A4IBDwAwggEKAoIBAQCss68dJvgggzheid+fDCxaX3+owaw7MLqdvUoztFtPO9Lj
o+xflyPOsUcZl/JthTPddMzjBa88oHq1ueZPLbTZvYiZ+yOs/IGU19MhIUmiPodw
81kqhF/HAuouYI6uEhQ8F8iqiARUFyfDkeQ3Que9eOtYjxp2Rqqib+pch/sSYdRK
IB7sy0TUAs5hqw3p29E3PVInT4/tcOBV7Y4ZdXxNvM9B+RisUZU9ic6MF42pKsLM
YVyGpeGQQPzxQbwmq1dAA4vPPpfv1gtDlCmjvwQBWDJIXvJeb7jxx8EjGFlg7xit
h3VbEYB8yBqB8DDOJhWVbCxZ5Zxuv3ttvf19t+sbAgMBAAGjUzBRMB0GA1UdDgQW
BBSWqWWHR1K7ChebJZNFEcAP1qJYZzAfBgNVHSMEGDAWgBSWqWWHR1K7ChebJZNF
EcAP1qJYZzAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQAq+/8j
tWFgPVjHyPJjm3C96T+UqetTTvmMbn4YdZFTfYHu3tjsJIl6L52UE6+ForyKSGLO
uXZ9MqY6H1em0Lg/znOzR79FybAxxblWJxFIgRt35ZLGX6/5iCIcQ3mQHS4mGAWG
/TYTVXv8OJBCQMvoRkdPPxWbDTELL4ouQcdRycvkpu54sKmHXUYqXJWPsQQ3Rhnf
flKr9VpoAh2wlW6vwsk5qcaL78gkxBudUXDG7t4nGzeqADi4O4QOL2bdWACJex2P
qIa8aZxZJVulzkpLLp6jKYhkJeIei6NnVIuiTNS429MNYn/H6tmq5AbSUuk2qWbw
7W2xfSihuaQa51bV
-----END CERTIFICATE-----
";

/// A certificate of it for PayPal's messages, until 2126.
pub(super) const PAYPAL_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIDLDCCAhSgAwIBAgIBBzANBgkqhkiG9w0BAQsFADAuMSwwKgYDVQQDDCNtZXNz
YWdldmVyaWZpY2F0aW9uY2VydHMucGF5cGFsLmNvbTAgFw0yNjExMjIxMzA1Mzla
GA8yMTI2MTAyOTEzMDUzOVowLjEsMCoGA1UEAwwjbWVzc2FnZXZlcmlmaWNhdGlv
bmNlcnRzLnBheXBhbC5jb20wggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIB
AQCss68dJvgggzheid+fDCxaX3+owaw7MLqdvUoztFtPO9Ljo+xflyPOsUcZl/Jt
hTPddMzjBa88oHq1ueZPLbTZvYiZ+yOs/IGU19MhIUmiPodw81kqhF/HAuouYI6u
EhQ8F8iqiARUFyfDkeQ3Que9eOtYjxp2Rqqib+pch/sSYdRKIB7sy0TUAs5hqw3p
29E3PVInT4/tcOBV7Y4ZdXxNvM9B+RisUZU9ic6MF42pKsLMYVyGpeGQQPzxQbwm
q1dAA4vPPpfv1gtDlCmjvwQBWDJIXvJeb7jxx8EjGFlg7xith3VbEYB8yBqB8DDO
JhWVbCxZ5Zxuv3ttvf19t+sbAgMBAAGjUzBRMB0GA1UdDgQWBBSWqWWHR1K7Cheb
JZNFEcAP1qJYZzAfBgNVHSMEGDAWgBSWqWWHR1K7ChebJZNFEcAP1qJYZzAPBgNV
HRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQAr2cl5dhWRKNtqaPQMyObW
YUDHGyfu4twrwaC95B0kOGdYN5PTdTVuSj8baGA2B72/T+jsYI+aaKs/020vow7D
K7VHTgCTbA8pttUCadGFYTVhEK77EHtaKFudqxqYie0KpFmaPlQP/ZSCEVM3OZxy
EPNdAPHOb0czQVnYtcpN8DTtwqpNvkrJsxeNJclHsWyE+Dvh354ULqJ1Qfr4J96F
/vr5TzYwhorwQxKAqfhJ4V0npfNvXATzJkkVhKydNxFmL6ibRCr5wtpG+hDGnkhY
SbRwhj+vZ+Bb4yOC4SAoxRRx3PoPK4F+GD2tDNAgUKSSgmWfR4lA9KVIr6UYDoL2
-----END CERTIFICATE-----
";

/// Signs as the owner of the keys above would.
pub(super) fn rsa_sign(algorithm: PublicAlgorithm, message: &[u8]) -> Vec<u8> {
    let key = RsaPrivateKey::from_pkcs8_der(&STANDARD.decode(RSA_PRIVATE).expect("base64")).expect("a key");
    let oid = |kind: u8| [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, kind];
    let (oid, hashed) = match algorithm {
        PublicAlgorithm::RsaSha1 => (vec![0x2b, 0x0e, 0x03, 0x02, 0x1a], Sha1::digest(message).to_vec()),
        PublicAlgorithm::RsaSha256 => (oid(1).to_vec(), Sha256::digest(message).to_vec()),
        PublicAlgorithm::RsaSha384 => (oid(2).to_vec(), Sha384::digest(message).to_vec()),
        PublicAlgorithm::RsaSha512 => (oid(3).to_vec(), Sha512::digest(message).to_vec()),
        other => panic!("{other:?} is not one of RSA's"),
    };
    let length = |bytes: usize| u8::try_from(bytes).expect("short");
    let mut prefix =
        vec![0x30, length(oid.len() + hashed.len() + 8), 0x30, length(oid.len() + 4), 0x06, length(oid.len())];
    prefix.extend(&oid);
    prefix.extend([0x05, 0x00, 0x04, length(hashed.len())]);
    let padding = Pkcs1v15Sign { hash_len: Some(hashed.len()), prefix: prefix.into() };
    key.sign(padding, &hashed).expect("a signature")
}

/// A P-256 key that is all sevens.
pub(super) fn p256_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key")
}

/// A P-384 key that is all sevens.
pub(super) fn p384_key() -> p384::ecdsa::SigningKey {
    p384::ecdsa::SigningKey::from_slice(&[7; 48]).expect("a key")
}

pub(super) fn p256_sign(message: &[u8]) -> p256::ecdsa::Signature {
    p256_key().sign_prehash(&Sha256::digest(message)).expect("a signature")
}

pub(super) fn p384_sign(message: &[u8]) -> p384::ecdsa::Signature {
    p384_key().sign_prehash(&Sha384::digest(message)).expect("a signature")
}

#[test]
fn each_algorithm_of_rsa_verifies_its_own_signatures_only() {
    let key = PublicKey::parse(PUBLIC_PEM).expect("a key");
    let all =
        [PublicAlgorithm::RsaSha1, PublicAlgorithm::RsaSha256, PublicAlgorithm::RsaSha384, PublicAlgorithm::RsaSha512];
    for made_with in all {
        let signature = rsa_sign(made_with, b"a message");
        for read_as in all {
            assert_eq!(
                key.verifies(read_as, &[b"a ", b"message"], &signature),
                read_as == made_with,
                "{made_with:?} as {read_as:?}"
            );
        }
        assert!(!key.verifies(made_with, &[b"another"], &signature));
        assert!(!key.verifies(made_with, &[b"a message"], &signature[1..]));
        assert!(!key.verifies(PublicAlgorithm::P256Der, &[b"a message"], &signature), "a key of another kind");
    }
}

#[test]
fn a_key_is_read_in_the_forms_that_senders_give_it_in() {
    let base64: String = PUBLIC_PEM.lines().filter(|line| !line.starts_with('-')).collect();
    let (_, der) = crate::public_key::pem(PUBLIC_PEM).expect("PEM");
    // The last 270 bytes of this form are the key in PKCS#1.
    let pkcs1 = STANDARD.encode(&der[der.len() - 270..]);
    let forms = [
        PUBLIC_PEM.to_owned(),
        PUBLIC_PEM.replace('\n', "\r\n"),
        base64.clone(),
        format!("-----BEGIN PUBLIC KEY-----{base64}-----END PUBLIC KEY-----"),
        format!("-----BEGIN RSA PUBLIC KEY-----\n{pkcs1}\n-----END RSA PUBLIC KEY-----"),
        SNS_CERTIFICATE.to_owned(),
    ];
    let signature = rsa_sign(PublicAlgorithm::RsaSha256, b"a message");
    for form in forms {
        let key = PublicKey::parse(&form).unwrap_or_else(|| panic!("a key: {form}"));
        assert!(key.verifies(PublicAlgorithm::RsaSha256, &[b"a message"], &signature), "{form}");
    }
}

#[test]
fn what_is_no_usable_key_is_refused() {
    let short = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\nKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==\n-----END PUBLIC KEY-----";
    let private = format!("-----BEGIN PRIVATE KEY-----\n{RSA_PRIVATE}\n-----END PRIVATE KEY-----");
    let cut = &SNS_CERTIFICATE[..600];
    for text in ["", "AAAA", "{}", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", short, &private, cut, &"A".repeat(40_000)] {
        assert!(PublicKey::parse(text).is_none(), "{text}");
    }
    let weak = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    assert!(PublicKey::parse(weak).is_none(), "a key under which nothing is proved");
}
