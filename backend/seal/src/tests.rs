use std::collections::HashSet;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use postern_domain::TenantId;
use uuid::Uuid;

use crate::{Keyring, KeyringError, OpenError, Place, csrf, session};

const SAMPLE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn key(id: &str, seed: u8) -> String {
    let bytes: Vec<u8> = (0..32).map(|index: u8| index.wrapping_mul(37).wrapping_add(seed)).collect();
    format!("{id}:{}", STANDARD.encode(bytes))
}

fn ring(text: &str) -> Keyring {
    Keyring::parse(text).expect("a good keyring")
}

fn place() -> Place<'static> {
    Place {
        table: "sources",
        column: "secrets",
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        row: Uuid::from_u128(2),
    }
}

#[test]
fn what_was_sealed_opens_at_its_place() {
    let ring = ring(&key("k1", 1));
    for plain in [&b""[..], b"whsec_abc", &[0xff; 100_000]] {
        let sealed = ring.seal(&place(), plain).expect("sealed");
        assert_eq!(ring.open(&place(), &sealed).expect("opened").expose(), plain);
        assert!(plain.is_empty() || !sealed.windows(plain.len()).any(|window| window == plain));
    }
}

#[test]
fn what_was_moved_does_not_open() {
    let ring = ring(&key("k1", 1));
    let sealed = ring.seal(&place(), b"secret").expect("sealed");
    for elsewhere in [
        Place { table: "destinations", ..place() },
        Place { column: "password", ..place() },
        Place { tenant: TenantId::from_uuid(Uuid::from_u128(2)), ..place() },
        Place { row: Uuid::from_u128(3), ..place() },
    ] {
        assert_eq!(ring.open(&elsewhere, &sealed).map(|_| ()), Err(OpenError::DoesNotBelong), "{elsewhere:?}");
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    let ring = ring(&format!("{},{}", key("k1", 1), key("k0", 2)));
    let sealed = ring.seal(&place(), b"secret").expect("sealed");
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(ring.open(&place(), &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_too_short_or_too_long_is_refused_without_a_panic() {
    let ring = ring(&key("k1", 1));
    let sealed = ring.seal(&place(), b"secret").expect("sealed");
    for len in 0..sealed.len() {
        assert!(ring.open(&place(), &sealed[..len]).is_err(), "{len} bytes");
    }
    assert!(ring.open(&place(), &[sealed.as_slice(), b"0"].concat()).is_err());
    for odd in [&[1, 255, b'k'][..], &[1, 0], &[0; 64], &[255; 64], &[1, 2, 0xff, 0xfe]] {
        assert_eq!(ring.open(&place(), odd).map(|_| ()), Err(OpenError::Malformed), "{odd:?}");
    }
}

#[test]
fn an_unknown_key_is_named() {
    let sealed = ring(&key("old7", 1)).seal(&place(), b"secret").expect("sealed");
    let error = ring(&key("k2", 2)).open(&place(), &sealed).map(|_| ()).expect_err("unknown");
    assert_eq!(error, OpenError::UnknownKey { key_id: "old7".to_owned() });
    assert!(error.to_string().contains("`old7`"));
}

#[test]
fn the_same_id_with_another_key_does_not_open() {
    let sealed = ring(&key("k1", 1)).seal(&place(), b"secret").expect("sealed");
    assert_eq!(ring(&key("k1", 2)).open(&place(), &sealed).map(|_| ()), Err(OpenError::DoesNotBelong));
}

#[test]
fn after_a_rotation_the_old_key_still_opens_and_the_new_one_seals() {
    let (old, both) = (ring(&key("k1", 1)), ring(&format!("{},{}", key("k2", 2), key("k1", 1))));
    assert_eq!((old.active_key_id(), both.active_key_id()), ("k1", "k2"));
    let sealed_before = old.seal(&place(), b"before").expect("sealed");
    let sealed_after = both.seal(&place(), b"after").expect("sealed");
    assert_eq!(both.open(&place(), &sealed_before).expect("opened").expose(), b"before");
    assert_eq!(old.open(&place(), &sealed_after).map(|_| ()), Err(OpenError::UnknownKey { key_id: "k2".to_owned() }));
    assert_eq!(old.audit_mac("k1", &[b"a"]), both.audit_mac("k1", &[b"a"]));
    let cursor = old.sign_cursor(place().tenant, "events", b"position");
    assert_eq!(both.open_cursor(place().tenant, "events", &cursor), Some(b"position".to_vec()));
}

#[test]
fn no_nonce_comes_twice() {
    let ring = ring(&key("k1", 1));
    let nonces: HashSet<Vec<u8>> =
        (0..10_000).map(|_| ring.seal(&place(), b"").expect("sealed")[4..28].to_vec()).collect();
    assert_eq!(nonces.len(), 10_000);
}

#[test]
fn weak_and_malformed_keyrings_are_refused() {
    let id = || "k1".to_owned();
    let repeated = STANDARD.encode([7; 32]);
    let cases = [
        (String::new(), KeyringError::Empty),
        (" \n".to_owned(), KeyringError::Empty),
        ("k1".to_owned(), KeyringError::NoId { number: 1 }),
        (key("", 1), KeyringError::NoId { number: 1 }),
        (key("K1", 1), KeyringError::NoId { number: 1 }),
        (key("k-1", 1), KeyringError::NoId { number: 1 }),
        (key("k12345678", 1), KeyringError::NoId { number: 1 }),
        (format!("{},", key("k1", 1)), KeyringError::NoId { number: 2 }),
        ("k1:not base64!".to_owned(), KeyringError::NotBase64 { id: id() }),
        ("k1:".to_owned(), KeyringError::TooShort { id: id() }),
        (format!("k1:{}", STANDARD.encode([1, 2, 3])), KeyringError::TooShort { id: id() }),
        (format!("k1:{repeated}"), KeyringError::Guessable { id: id() }),
        (format!("k1:{}", STANDARD.encode([0; 64])), KeyringError::Guessable { id: id() }),
        (format!("k1:{SAMPLE}"), KeyringError::Guessable { id: id() }),
        (format!("{},{}", key("k1", 1), key("k1", 2)), KeyringError::DuplicateId { id: id() }),
        (format!("{},{}", key("k2", 1), key("k1", 1)), KeyringError::DuplicateKey { id: id() }),
    ];
    for (text, expected) in cases {
        assert_eq!(Keyring::parse(&text).map(|_| ()), Err(expected), "{text}");
    }
    let many: Vec<String> = (0..33).map(|number| key(&format!("k{number}"), number)).collect();
    assert_eq!(Keyring::parse(&many.join(",")).map(|_| ()), Err(KeyringError::TooMany));
}

#[test]
fn a_generated_keyring_is_a_good_one_and_shows_nothing() {
    let (text, other) = (Keyring::generate(), Keyring::generate());
    assert_ne!(text.expose(), other.expose());
    let ring = ring(&format!("{}\n", text.expose()));
    assert_eq!(ring.active_key_id(), "k1");
    assert_eq!(format!("{ring:?}"), "Keyring { key_ids: [\"k1\"], .. }");
    let unpadded = text.expose().trim_end_matches('=');
    assert!(Keyring::parse(unpadded).is_ok());
}

#[test]
fn the_audit_mac_tells_keys_and_parts_apart() {
    let ring = ring(&format!("{},{}", key("k2", 2), key("k1", 1)));
    let macs: HashSet<Option<[u8; 32]>> = [
        ring.audit_mac("k1", &[b"ab", b"c"]),
        ring.audit_mac("k2", &[b"ab", b"c"]),
        ring.audit_mac("k1", &[b"a", b"bc"]),
        ring.audit_mac("k1", &[b"abc"]),
        ring.audit_mac("k1", &[b"ab", b"c", b""]),
        ring.audit_mac("k1", &[]),
    ]
    .into();
    assert_eq!(macs.len(), 6);
    assert!(!macs.contains(&None));
    assert_eq!(ring.audit_mac("k3", &[b"ab"]), None);
}

#[test]
fn a_cursor_serves_its_own_tenant_and_list_only() {
    let ring = ring(&key("k1", 1));
    let (tenant, other) = (TenantId::fresh(), TenantId::fresh());
    let text = ring.sign_cursor(tenant, "events?type=a", b"position");
    assert_eq!(ring.open_cursor(tenant, "events?type=a", &text), Some(b"position".to_vec()));
    assert_eq!(ring.open_cursor(other, "events?type=a", &text), None);
    assert_eq!(ring.open_cursor(tenant, "events?type=b", &text), None);
    assert_eq!(self::ring(&key("k1", 2)).open_cursor(tenant, "events?type=a", &text), None);
    for bad in ["", "AAAA", "====", "ä", &format!("{text}="), &format!("{text}A"), &"A".repeat(100_000)] {
        assert_eq!(ring.open_cursor(tenant, "events?type=a", bad), None, "{bad:.40}");
    }
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(changed).expect("ascii");
        assert_eq!(ring.open_cursor(tenant, "events?type=a", &changed), None, "{changed}");
    }
}

#[test]
fn a_csrf_token_serves_its_own_session_only() {
    let (old, both) = (ring(&key("k1", 1)), ring(&format!("{},{}", key("k2", 2), key("k1", 1))));
    let token = csrf::token(&old, "ses_a");
    assert!(csrf::holds(&old, "ses_a", &token) && csrf::holds(&both, "ses_a", &token));
    assert!(!csrf::holds(&old, "ses_b", &token) && !csrf::holds(&ring(&key("k1", 2)), "ses_a", &token));
    assert!(!csrf::holds(&old, "ses_a", &csrf::token(&both, "ses_a")), "the active key makes it");
    let unmasked = &token[token.len() / 2..];
    for bad in ["", "AAAA", "====", "ä", unmasked, &format!("{token}="), &format!("{token}A"), &"A".repeat(100_000)] {
        assert!(!csrf::holds(&old, "ses_a", bad), "{bad:.40}");
    }
    let raw = URL_SAFE_NO_PAD.decode(&token).expect("base64");
    for bit in 0..raw.len() * 8 {
        let mut changed = raw.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!csrf::holds(&old, "ses_a", &URL_SAFE_NO_PAD.encode(changed)), "bit {bit}");
    }
}

#[test]
fn no_two_csrf_tokens_look_alike() {
    let ring = ring(&key("k1", 1));
    let tokens: Vec<_> = (0..8).map(|_| URL_SAFE_NO_PAD.decode(csrf::token(&ring, "ses_a")).expect("base64")).collect();
    for (place, one) in tokens.iter().enumerate() {
        for other in &tokens[..place] {
            let same = one.iter().zip(other).filter(|(one, other)| one == other).count();
            assert!(same < 8, "{same} of {} bytes are where they were", one.len());
        }
    }
}

#[test]
fn the_active_key_signs_sessions_and_older_ones_still_check() {
    let (old, both) = (ring(&key("k1", 1)), ring(&format!("{},{}", key("k2", 2), key("k1", 1))));
    let keys = session::keys(&both);
    assert_eq!(keys.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["k2", "k1"]);
    assert!(keys[0].1 != keys[1].1 && keys[1].1 == session::keys(&old)[0].1);
}
