//! Amazon SNS: an RSA signature in the JSON, over named fields of it, under a certificate of Amazon's.
//!
//! Amazon signs for every topic of everybody: what makes a message the tenant's is its topic, which the source names. The
//! confirmation that SNS asks for is a request to an address in the message, which is made only when that address is
//! Amazon's and the message is signed and of the source's topic.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};
use serde::Deserialize;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::{Fields, invalid},
    heard::{Greeting, Keyring},
    key_url::KeyUrl,
    public_key::{Certificate, PublicAlgorithm},
    refusal::{Refusal, RefusalCause},
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, wrong_key},
};

const NOTIFICATION: &str = "Notification";
const CONFIRMATION: &str = "SubscriptionConfirmation";
const FAREWELL: &str = "UnsubscribeConfirmation";
const VERSIONS: [(&str, PublicAlgorithm); 2] = [("1", PublicAlgorithm::RsaSha1), ("2", PublicAlgorithm::RsaSha256)];
const HOSTS: [(&str, &str); 2] = [(".amazonaws.com", "amazonaws.com"), (".amazonaws.com.cn", "amazonaws.com.cn")];

#[derive(Clone, Debug)]
pub(crate) struct AmazonSns {
    topic_arn: String,
    versions: Vec<(&'static str, PublicAlgorithm)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    r#type: String,
    #[serde(rename = "MessageId")]
    id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate_url: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default, rename = "SubscribeURL")]
    confirmation_url: Option<String>,
}

impl AmazonSns {
    pub(crate) fn parse(fields: &mut Fields<'_>, _: &Credentials) -> Result<Self, Invalid> {
        let topic_arn = fields.text("topic_arn")?;
        let topic_arn = topic_arn.ok_or_else(|| {
            invalid("topic_arn", "is required: Amazon signs the messages of everybody's topics with the same key")
        })?;
        let pinned = fields.choice("signature_version", &VERSIONS)?;
        let versions =
            VERSIONS.into_iter().filter(|(_, version)| pinned.is_none_or(|pinned| pinned == *version)).collect();
        Ok(Self { topic_arn: topic_arn.to_owned(), versions })
    }
}

impl Coded for AmazonSns {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let message: Message = serde_json::from_slice(request.body)
            .map_err(|_| lacking("a message of Amazon SNS, raw delivery switched off"))?;
        if message.topic_arn != self.topic_arn {
            return Err(Refusal::new(RefusalCause::SignatureMismatch, "a message of this source's topic"));
        }
        let signed = message.signed().ok_or_else(|| lacking("a message of a known `Type`, with its fields"))?;
        let version = self.versions.iter().find(|(name, _)| *name == message.signature_version);
        let (_, algorithm) = version.ok_or_else(|| lacking("an allowed `SignatureVersion`"))?;
        let (url, host_suffix) = amazons(&message.certificate_url)
            .filter(|(url, _)| url.path.ends_with(".pem"))
            .ok_or_else(|| lacking("`SigningCertURL` as an https address of a .pem at sns.<region>.amazonaws.com"))?;
        let ask = url.request(host_suffix);
        let Some(answer) = keys.find(&ask.cache_as) else { return Ok(Proof::NeedsKey(ask)) };
        let certificate = std::str::from_utf8(&answer).ok().and_then(Certificate::from_pem);
        let certificate = certificate.filter(|certificate| certificate.is_valid_at(now));
        let signature = STANDARD.decode(&message.signature).unwrap_or_default();
        let fits = certificate.is_some_and(|found| found.key.verifies(*algorithm, &[signed.as_bytes()], &signature));
        if !fits {
            return Err(wrong_key("`Signature` over the message's fields", 1));
        }
        if message.r#type == CONFIRMATION {
            return message.confirm(keys);
        }
        Ok(Proof::Shown(Shown { secret_index: Some(0), event_id: Some(message.id), ..Shown::default() }))
    }
}

impl Message {
    /// The fields that are signed, by name, each with its name; none when one is missing.
    fn signed(&self) -> Option<String> {
        let mut fields = vec![("Message", self.message.as_str()), ("MessageId", &self.id)];
        match self.r#type.as_str() {
            NOTIFICATION => fields.extend(self.subject.as_deref().map(|subject| ("Subject", subject))),
            CONFIRMATION | FAREWELL => fields.push(("SubscribeURL", self.confirmation_url.as_deref()?)),
            _ => return None,
        }
        fields.push(("Timestamp", &self.timestamp));
        if self.r#type != NOTIFICATION {
            fields.push(("Token", self.token.as_deref()?));
        }
        fields.extend([("TopicArn", self.topic_arn.as_str()), ("Type", &self.r#type)]);
        Some(fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect())
    }

    /// Visits the address once, then answers.
    fn confirm(&self, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let url = self.confirmation_url.as_deref().and_then(amazons);
        let (url, host_suffix) =
            url.ok_or_else(|| lacking("`SubscribeURL` as an https address at sns.<region>.amazonaws.com"))?;
        let ask = url.request(host_suffix);
        if keys.find(&ask.cache_as).is_none() {
            return Ok(Proof::NeedsKey(ask));
        }
        Ok(Proof::Greeting(Greeting {
            status: 200,
            content_type: None,
            headers: Vec::new(),
            body: Vec::new(),
            kind: "amazon-sns-confirmation".into(),
            learned: None,
        }))
    }
}

/// An address at `sns.<region>.amazonaws.com`, or at its like in China, with the part of the host that is Amazon's.
fn amazons(text: &str) -> Option<(KeyUrl<'_>, &'static str)> {
    let url = KeyUrl::parse(text)?;
    let region = |tail: &str| url.host.strip_prefix("sns.")?.strip_suffix(tail);
    let suffix =
        HOSTS.iter().find(|(tail, _)| region(tail).is_some_and(|region| !region.is_empty() && !region.contains('.')));
    suffix.map(|(_, suffix)| (url, *suffix))
}
