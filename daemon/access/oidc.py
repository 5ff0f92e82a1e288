"""Signed tokens of the site's own issuer: keys are fetched from it, and fetched again when it changes them."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.site import AccessError, Oidc, Site
from tunewright.daemon.errors import RefusedError
from tunewright.spec.access import is_subject

if TYPE_CHECKING:
    import jwt

_log = logging.getLogger(__name__)

#: Signatures by public keys only: with a shared secret, who can check a token could also make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_SECONDS = 30
_TIMEOUT_SECONDS = 5.0
_LONGEST = 2**20
#: Keys that the issuer has withdrawn count at most so long; an unknown key makes us ask, but not more often than that.
_KEEP_SECONDS = 300.0
_ASK_AGAIN_SECONDS = 5.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(slots=True)
class Issuer:
    """Verifies tokens of one issuer. Its keys are kept in memory only."""

    settings: Oidc
    _keys: "Mapping[str, jwt.PyJWK]" = field(default_factory=dict)
    _asked: float = -_KEEP_SECONDS
    _fetched: float = -_KEEP_SECONDS
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        check_issuer(self.settings.issuer)

    async def identify(self, token: str, site: Site) -> Identity:
        """Return whose token it is; raise RefusedError when it is none of the issuer's, or not for us, or too old."""
        import jwt

        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self.settings.audience,
                issuer=self.settings.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", self.settings.subject]},
            )
        except jwt.ExpiredSignatureError:
            message = "the issuer's token has expired: sign in again and get a new one"
            raise RefusedError("CREDENTIAL_EXPIRED", message, issuer=self.settings.issuer) from None
        except jwt.PyJWTError as error:
            message = f"this is not a token of {self.settings.issuer} for `{self.settings.audience}`: {error}"
            raise RefusedError("CREDENTIAL_INVALID", message, issuer=self.settings.issuer) from None
        return self._identity(claims, site)

    def _identity(self, claims: Mapping[str, Any], site: Site) -> Identity:
        subject, groups = claims.get(self.settings.subject), claims.get(self.settings.groups, [])
        if not isinstance(subject, str) or not is_subject(subject):
            message = f"the claim `{self.settings.subject}` of the token names nobody"
            raise RefusedError("CREDENTIAL_INVALID", message, issuer=self.settings.issuer)
        names = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
        return Identity(
            subject=subject,
            authentication="oidc",
            credential=f"oidc:{self.settings.issuer}",
            grants=site.granted(subject, names),
            expire_time=(int(claims["exp"]) + _LEEWAY_SECONDS) * 1000,
        )

    async def _key(self, identifier: str) -> "jwt.PyJWK":
        import jwt

        async with self._lock:
            now = time.monotonic()
            stale = now - self._fetched >= _KEEP_SECONDS
            if (stale or identifier not in self._keys) and now - self._asked >= _ASK_AGAIN_SECONDS:
                self._asked = now
                await self._fetch(now)
            if now - self._fetched >= 2 * _KEEP_SECONDS:
                message = f"{self.settings.issuer} does not answer, so its tokens can't be checked: try again"
                raise RefusedError("ISSUER_UNREACHABLE", message, issuer=self.settings.issuer)
        if identifier not in self._keys:
            raise jwt.InvalidKeyError("it is signed with a key that the issuer does not have")
        return self._keys[identifier]

    async def _fetch(self, now: float) -> None:
        try:
            self._keys = await asyncio.to_thread(_keys_of, self.settings.issuer)
            self._fetched = now
        except (OSError, ValueError) as error:
            _log.warning("the keys of %s can't be fetched: %s", self.settings.issuer, error)


def _keys_of(issuer: str) -> "dict[str, jwt.PyJWK]":
    import jwt

    found = _read(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise ValueError(f"who answers there is the issuer `{found.get('issuer')}`")
    keys: dict[str, jwt.PyJWK] = {}
    for value in _read(str(found.get("jwks_uri", ""))).get("keys", []):
        try:
            key = jwt.PyJWK(value)
        except jwt.PyJWTError:
            continue  # of a kind that we do not check with
        if key.key_id and key.algorithm_name in ALGORITHMS and value.get("use", "sig") == "sig":
            keys[key.key_id] = key
    return keys


def _read(address: str) -> dict[str, Any]:
    import urllib.request

    check_issuer(address)
    with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - looked at above
        check_issuer(answer.url)
        value = json.loads(answer.read(_LONGEST))
    if not isinstance(value, dict):
        raise ValueError(f"{address} answers no JSON object")  # noqa: TRY004
    return value


def check_issuer(address: str) -> None:
    """Raise AccessError: keys that came over an open line prove nothing."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise AccessError(f"the issuer's address must begin with https://, not be `{address[:200]}`")
