"""Signs as providers do and verifies as receivers do, with the packages they use. Reads a JSON array of questions from
stdin, writes a JSON array of answers, one for each. Packages are loaded when they are asked."""

import base64
import hashlib
import hmac
import json
import sys


def delivery(question: dict) -> dict:
    """What Postern delivers."""
    from standardwebhooks import Webhook

    Webhook(question["secret"]).verify(question["body"].encode(), question["headers"])
    return {"verified": True}


def slack_sign(question: dict) -> dict:
    from slack_sdk.signature import SignatureVerifier

    at_s = str(question["at_ms"] // 1000)
    signature = SignatureVerifier(question["secret"]).generate_signature(timestamp=at_s, body=question["body"])
    return {"headers": {"x-slack-signature": signature, "x-slack-request-timestamp": at_s}}


def slack_verify(question: dict) -> bool:
    from slack_sdk.signature import SignatureVerifier

    return SignatureVerifier(question["key"]).is_valid_request(question["body"], question["headers"])


def square_sign(question: dict) -> dict:
    """The package only verifies; the address and the body are signed, as its documents tell."""
    signed = (question["url"] + question["body"]).encode()
    signature = hmac.digest(question["secret"].encode(), signed, hashlib.sha256)
    return {"headers": {"x-square-hmacsha256-signature": base64.b64encode(signature).decode()}}


def square_verify(question: dict) -> bool:
    from square.utils.webhooks_helper import verify_signature

    return verify_signature(
        request_body=question["body"],
        signature_header=question["headers"]["x-square-hmacsha256-signature"],
        signature_key=question["key"],
        notification_url=question["url"],
    )


def adyen_sign(question: dict) -> dict:
    """The signature stands in the body."""
    from Adyen.util import generate_notification_sig

    body = json.loads(question["body"])
    item = body["notificationItems"][0]["NotificationRequestItem"]
    signature = generate_notification_sig(item, question["secret"]).decode()
    item.setdefault("additionalData", {})["hmacSignature"] = signature
    return {"headers": {}, "body": json.dumps(body, ensure_ascii=False)}


def adyen_verify(question: dict) -> bool:
    from Adyen.util import is_valid_hmac_notification

    return is_valid_hmac_notification(json.loads(question["body"]), question["key"])


def adyen_header_sign(question: dict) -> dict:
    from Adyen.util import generate_payload_sig

    return {"headers": {"hmacsignature": generate_payload_sig(question["body"].encode(), question["secret"]).decode()}}


def adyen_header_verify(question: dict) -> bool:
    from Adyen.util import is_valid_hmac_payload

    return is_valid_hmac_payload(question["headers"]["hmacsignature"], question["key"], question["body"].encode())


SIGN = {"slack": slack_sign, "square": square_sign, "adyen": adyen_sign, "adyen-header": adyen_header_sign}
VERIFY = {"slack": slack_verify, "square": square_verify, "adyen": adyen_verify, "adyen-header": adyen_header_verify}


def answer(question: dict) -> dict:
    if question["ask"] == "sign":
        return SIGN[question["sdk"]](question)
    try:
        if question["ask"] == "delivery":
            return delivery(question)
        return {"verified": VERIFY[question["sdk"]](question) is True}
    except Exception as cause:  # Packages say no by `False` or by an exception.
        return {"verified": False, "cause": f"{type(cause).__name__}: {cause}"}


json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
