//! Adyen's standard webhooks: `additionalData.hmacSignature` in each item, base64 HMAC-SHA256 over eight of its fields.
//!
//! The fields are joined with `:` and nothing is escaped: only the merchant's own reference may contain one, so that the
//! joined text can be cut in one way. Nothing else of an item is signed, nor which items came together. All items must be.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Secret, Timestamp};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys},
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, mismatch},
};

/// Adyen sends one, and says that it may send more.
const MAX_ITEMS: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct Adyen {
    keys: Keys,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "notificationItems")]
    items: Vec<Wrapped>,
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "NotificationRequestItem")]
    item: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default)]
    psp_reference: Scalar,
    #[serde(default)]
    original_reference: Scalar,
    #[serde(default)]
    merchant_account_code: Scalar,
    #[serde(default)]
    merchant_reference: Scalar,
    #[serde(default)]
    amount: Amount,
    #[serde(default)]
    event_code: Scalar,
    #[serde(default)]
    success: Scalar,
    #[serde(default)]
    additional_data: AdditionalData,
}

#[derive(Default, Deserialize)]
struct Amount {
    #[serde(default)]
    value: Scalar,
    #[serde(default)]
    currency: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalData {
    #[serde(default)]
    hmac_signature: Scalar,
}

/// A string's text, or a number or a truth value as it is written; nothing for `null`.
#[derive(Default)]
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw).map(Self).map_err(D::Error::custom),
            Some(b'{' | b'[') => Err(D::Error::custom("a text or a number")),
            _ if raw == "null" => Ok(Self::default()),
            _ => Ok(Self(raw.to_owned())),
        }
    }
}

impl Adyen {
    /// The secrets are hex, as Adyen shows them.
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        Ok(Self { keys: Keys::derive(Algorithm::Sha256, &credentials.secrets, key_bytes)? })
    }
}

impl Coded for Adyen {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let notification: Notification = serde_json::from_slice(request.body)
            .map_err(|_| lacking("`notificationItems` with a `NotificationRequestItem` each"))?;
        if !(1..=MAX_ITEMS).contains(&notification.items.len()) {
            return Err(lacking(&format!("1 to {MAX_ITEMS} `notificationItems`")));
        }
        let mut secret_index = None;
        for wrapped in &notification.items {
            secret_index = Some(self.verify_item(&wrapped.item)?);
        }
        let ids: Vec<String> = notification.items.iter().map(|wrapped| wrapped.item.id()).collect();
        Ok(Proof::Shown(Shown { secret_index, event_id: Some(ids.join(",")), ..Shown::default() }))
    }
}

impl Adyen {
    fn verify_item(&self, item: &Item) -> Result<usize, Refusal> {
        let signature = &item.additional_data.hmac_signature.0;
        if signature.is_empty() {
            return Err(lacking("`additionalData.hmacSignature` in each item"));
        }
        let before = [&item.psp_reference, &item.original_reference, &item.merchant_account_code];
        let after = [&item.amount.value, &item.amount.currency, &item.event_code, &item.success];
        if before.iter().chain(&after).any(|field| field.0.contains(':')) {
            return Err(lacking("no `:` in the signed fields of an item, but in the merchant's reference"));
        }
        let fields = before.into_iter().chain([&item.merchant_reference]).chain(after);
        let signed = fields.map(|field| field.0.as_str()).collect::<Vec<_>>().join(":");
        let found = self.keys.find(&[signed.as_bytes()], std::iter::once(STANDARD.decode(signature).ok()));
        found.ok_or_else(|| mismatch("`additionalData.hmacSignature` in each item", self.keys.len()))
    }
}

impl Item {
    /// All of it is signed.
    fn id(&self) -> String {
        format!("{}:{}:{}", self.psp_reference.0, self.event_code.0, self.success.0)
    }
}

/// Adyen's keys have 32 bytes.
fn key_bytes(text: &str) -> Result<Secret<Vec<u8>>, Invalid> {
    const MIN_BYTES: usize = 16;
    let bytes = hex::decode(text.trim()).ok().filter(|bytes| bytes.len() >= MIN_BYTES).map(Secret::new);
    bytes.ok_or_else(|| Invalid::new("secrets", "must each be an HMAC key as Adyen shows it: 64 hexadecimal digits"))
}
