"""Checks that a webhook comes from Maskwright: `verify(secret, headers, body)` returns the event, or raises."""

import base64
import hashlib
import hmac
import json
import time


def verify(secret, headers, body, tolerance_s=300):
    """`headers` with lower-case names, `body` as the bytes that came: parsed and written again they are others."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > tolerance_s:
        raise ValueError("The request is old: somebody may be sending it a second time.")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    signatures = headers["webhook-signature"].split()  # two while the secret is being changed
    if not any(hmac.compare_digest(f"v1,{expected}", one) for one in signatures):
        raise ValueError("The signature is wrong.")
    return json.loads(body)
