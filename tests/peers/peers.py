"""Verifies as a receiver in Python does. Reads a JSON array of questions from stdin, writes a JSON array of answers."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def answer(question: dict) -> dict:
    try:
        Webhook(question["secret"]).verify(question["body"].encode(), question["headers"])
        return {"verified": True}
    except WebhookVerificationError as cause:
        return {"verified": False, "cause": f"WebhookVerificationError: {cause}"}


json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
