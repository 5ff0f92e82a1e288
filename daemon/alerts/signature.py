"""Sign what is sent, by the Standard Webhooks specification (standardwebhooks.com), which libraries of many languages
verify: HMAC-SHA256 over id, time and body.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from tunewright.daemon.alerts.settings import AlertSettingsError

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_MOST_KEYS = 2


def read_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys of a key file, a line each: one, or the new and the old while receivers change over.

    Raises AlertSettingsError; the message holds nothing of the key.
    """
    lines = text.split()
    if not 1 <= len(lines) <= _MOST_KEYS:
        raise AlertSettingsError(f"a key file has one key, or two while they are exchanged; this one has {len(lines)}")
    return tuple(_key(line) for line in lines)


def _key(line: str) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise AlertSettingsError(f"a key is `{_PREFIX}` and base64; make one with `openssl rand -base64 32`") from None
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise AlertSettingsError(f"a key has {_SHORTEST} to {_LONGEST} bytes; make one with `openssl rand -base64 32`")
    return key


def signed_headers(keys: Sequence[bytes], identifier: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the headers that prove who sent a body and when; `seconds` since 1970."""
    content = f"{identifier}.{seconds}.".encode() + body
    digests = [base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{digest}" for digest in digests),
    }
