//! What the providers' events are called, on the vectors' bodies: id, type, and whether the id is signed.

use super::providers::vectors;
use crate::{Heard, Verified};

fn event(id: &str) -> Verified {
    let vector = vectors().into_iter().find(|vector| vector.id == id).unwrap_or_else(|| panic!("no vector {id}"));
    let source = vector.source().expect("a source");
    match vector.hear(&source, &vector.header_map(), vector.body.as_bytes()) {
        Ok(Heard::Event(event)) => event,
        other => panic!("{id}: {other:?}"),
    }
}

#[test]
fn events_have_the_ids_and_types_that_their_providers_give_them() {
    let cases = [
        ("telegram-valid", "10000", "message", false),
        ("linear-valid", "234d1a4e-b617-4388-90fe-adc3633d6b72", "Comment.create", false),
        ("square-valid", "ac3ac95b-f97d-458c-a6e6-18981597e05f", "webhooks.test_notification", true),
        ("persona-valid", "evt_XGuXDPFmnbsN3z1vXvhL8Sxb", "inquiry.approved", true),
        ("paystack-valid", "charge.success:302961", "charge.success", true),
        ("veriff-valid-upper", "12df6045-3846-3e45-946a-14fa6136d78b:9001", "approved", true),
        ("intercom-valid", "notif_ccd8a4d0-f965-11e3-a367-c779cae3e1b3", "conversation.user.created", true),
        ("typeform-valid", "LtWXD3crgy", "form_response", true),
        ("telnyx-valid", "b301ed3f-1490-491f-995f-6e64e69674d4", "message.received", true),
        ("workos-valid", "wh_123", "dsync.user.created", true),
        ("vercel-valid", "evt_1", "deployment.created", true),
        ("openai-valid", "wh_685c059ae39c8190af8c71ed1022a24d", "response.completed", true),
        ("svix-valid-docs", "msg_loFOjxBNrRLzqYUf", "ping", true),
        ("flutterwave-v3-valid", "285959875:charge.completed", "charge.completed", false),
        ("chargebee-basic", "ev_1", "customer_created", false),
        ("checkout-valid", "evt_az5sblvku4ge3dwpztvyizgcau", "payment_approved", true),
        ("viber-valid", "1478683725125", "webhook", true),
        ("notion-valid", "1", "page.created", true),
        ("shopify-events-headers", "123456789", "Product.create", false),
        ("mollie-valid", "tr_12345:payment-link.paid", "payment-link.paid", true),
        ("postmark-basic-valid", "883953f4-6105-42a2-a16a-77a8eac79483:Delivery:john@example.com", "Delivery", false),
    ];
    for (id, event_id, event_type, id_is_signed) in cases {
        let event = event(id);
        assert_eq!(event.event_id.as_deref(), Some(event_id), "{id}");
        assert_eq!(event.event_type.as_deref(), Some(event_type), "{id}");
        assert_eq!(event.id_is_signed, id_is_signed, "{id}");
    }
}

#[test]
fn a_batch_is_called_by_its_first_event_and_its_hash() {
    let hash = |id: &str| {
        use sha2::{Digest, Sha256};
        let vector = vectors().into_iter().find(|vector| vector.id == id).expect("a vector");
        hex::encode(Sha256::digest(vector.body.as_bytes()))
    };
    let gocardless = event("gocardless-valid");
    assert_eq!(gocardless.event_id, Some(format!("EV00BD05S5VM2T:{}", hash("gocardless-valid"))));
    assert_eq!(gocardless.event_type.as_deref(), Some("subscriptions.created"));
    let woocommerce = event("woocommerce-valid");
    assert_eq!(woocommerce.event_id, Some(format!("4f3e2d1c0b:{}", hash("woocommerce-valid"))));
    assert!(!woocommerce.id_is_signed, "the header is not");
    let discord = event("discord-valid");
    assert_eq!(discord.event_id, Some(hash("discord-valid")));
    assert_eq!(discord.event_type.as_deref(), Some("APPLICATION_AUTHORIZED"));
}
