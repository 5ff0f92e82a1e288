"""Bearer tokens of our own: 256 random bits that are shown once; the store keeps their digest."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_PREFIX = "twt"
_FORM = re.compile(rf"{_PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made: `secret` is what is shown, the rest is stored."""

    id: str
    secret: str
    digest: str


def mint() -> NewToken:
    """Make a token."""
    identifier = secrets.token_hex(6)
    secret = f"{_PREFIX}_{identifier}_{secrets.token_urlsafe(32)}"
    return NewToken(identifier, secret, digest(secret))


def identifier_of(secret: str) -> str | None:
    """Return the id in a token, None when it has not the form of one."""
    match = _FORM.fullmatch(secret)
    return None if match is None else match.group(1)


def digest(secret: str) -> str:
    """Return what is stored of a token. No salt and no slow function: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def is_same(secret: str, stored: str) -> bool:
    """Answer whether a token has the stored digest, in a time that tells nothing."""
    return hmac.compare_digest(digest(secret), stored)
