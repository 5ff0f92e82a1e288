"""The door: from what came with a call to who calls. Nobody is let in without proof."""

import json
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tunewright.daemon.access import tokens
from tunewright.daemon.access.callers import Callers
from tunewright.daemon.access.certificates import CertificateError, Revocations, credential_of, identity_of
from tunewright.daemon.access.identities import OWN_GRANTS, Authentication, Identity
from tunewright.daemon.access.local_users import LocalUsers, nobodys_number
from tunewright.daemon.access.oidc import Issuer
from tunewright.daemon.access.roles import Grant
from tunewright.daemon.access.site import Site
from tunewright.daemon.clock import Clock
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.store import access
from tunewright.daemon.store.access import TokenRecord
from tunewright.daemon.store.database import Database
from tunewright.spec.access import Role

_HOW = "`tunewright access whoami` says who you are; docs/access.md says how to get a credential"
_LOOPBACK = ("ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What came with a call: where from, the certificate of the handshake (PEM), the `authorization` header."""

    peer: str
    certificate: bytes | None = None
    authorization: str | None = None

    @property
    def is_home_socket(self) -> bool:
        """Whether it came over the home's socket, which nobody but the daemon's own user can open.

        Clients give themselves no address there; what comes with one was carried on for somebody else.
        """
        return self.peer == "unix:"

    @property
    def is_shared_socket(self) -> bool:
        """Whether it came over a socket that other users of the machine can open too."""
        return self.peer.startswith("unix:") and not self.is_home_socket

    @property
    def host(self) -> str:
        """The address without the port: what strangers are told apart by."""
        return self.peer.rpartition(":")[0] or self.peer


def evidence_of(context: Any) -> Evidence:
    """Return what came with the call of a gRPC context."""
    found = context.auth_context().get("x509_pem_cert", ())
    headers = [value for name, value in context.invocation_metadata() or () if name == "authorization"]
    authorization = headers[0] if len(headers) == 1 else ("" if headers else None)
    if isinstance(authorization, bytes):
        authorization = authorization.decode("latin-1")
    return Evidence(peer=context.peer(), certificate=found[0] if found else None, authorization=authorization)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Tells who calls. `site` answers what the site has decided as it is now, `revoked` what authorities have taken
    back.

    `anonymous`: whoever calls from this machine without a credential counts as the daemon's own user.
    """

    database: Database
    clock: Clock
    site: Callable[[], Site]
    revoked: Callable[[], Revocations]
    issuer: Issuer | None
    anonymous: bool
    callers: Callers = field(default_factory=Callers)
    users: LocalUsers = field(default_factory=LocalUsers)

    async def identify(self, evidence: Evidence) -> Identity:
        """Return who calls; raise RefusedError where nothing proves it."""
        identity = await self._proved(evidence)
        if identity.expire_time is not None and identity.expire_time <= self.clock.now():
            message = f"the credential of {identity.subject} has expired: get a new one"
            raise RefusedError("CREDENTIAL_EXPIRED", message, credential=identity.credential)
        if not identity.is_local and access.blocked(self.database.read, identity.subject) is not None:
            message = f"{identity.subject} was blocked: ask who administers this daemon"
            raise RefusedError("CREDENTIAL_REVOKED", message, subject=identity.subject)
        return identity

    async def _proved(self, evidence: Evidence) -> Identity:
        if evidence.authorization is not None:
            return await self._of_header(evidence.authorization, evidence.certificate)
        if evidence.certificate is not None:
            return self._of_certificate(evidence.certificate)
        if evidence.is_home_socket:
            return _own("socket")
        if evidence.is_shared_socket:
            return await self._of_user(self.callers.user(evidence.peer))
        if self.anonymous and evidence.peer.startswith(_LOOPBACK):
            return _own("anonymous")
        raise RefusedError("CREDENTIAL_MISSING", f"nothing says who calls: give a token or a certificate ({_HOW})")

    async def _of_header(self, authorization: str, certificate: bytes | None) -> Identity:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise RefusedError("CREDENTIAL_INVALID", "the `authorization` header must be `Bearer TOKEN`, once")
        identifier = tokens.identifier_of(secret)
        if identifier is not None:
            return self._of_token(identifier, secret, certificate)
        if certificate is not None:
            raise _two_credentials()
        if self.issuer is not None:
            return await self.issuer.identify(secret, self.site())
        raise RefusedError("CREDENTIAL_INVALID", f"the token is not one of this daemon's ({_HOW})")

    async def _of_user(self, number: int | None) -> Identity:
        if number is None:
            message = "the connection came over none of this daemon's sockets: connect again"
            raise RefusedError("CREDENTIAL_INVALID", message)
        if number == nobodys_number():
            message = f"the kernel does not know who calls (user {number}): they come from another user namespace"
            raise RefusedError("CREDENTIAL_INVALID", f"{message}; use a token there ({_HOW})")
        user = await self.users.find(number)
        found = user.identity(self.site())
        if found is None:
            message = f"user {user.name or 'without a name'} ({number}) of this machine may not call"
            help_text = "who administers the daemon names users and groups in its access file"
            raise RefusedError("CREDENTIAL_INVALID", f"{message}: {help_text} ({_HOW})")
        return found

    def _of_token(self, identifier: str, secret: str, certificate: bytes | None) -> Identity:
        record = access.token(self.database.read, identifier)
        if record is None or not tokens.is_same(secret, record.digest):
            raise RefusedError("CREDENTIAL_INVALID", f"the token is not one of this daemon's ({_HOW})")
        if record.revoke_time is not None:
            message = f"the token {identifier} was revoked: ask for a new one"
            raise RefusedError("CREDENTIAL_REVOKED", message, credential=f"token:{identifier}")
        self._hold_to_binding(record, certificate)
        return Identity(
            subject=record.subject,
            authentication="token",
            credential=f"token:{identifier}",
            grants=grants_from_text(record.grants),
            expire_time=record.expire_time,
        )

    def _hold_to_binding(self, token: TokenRecord, certificate: bytes | None) -> None:
        """Raise RefusedError where a token comes without its certificate, or beside one that is not its own."""
        if not token.certificate and certificate is None:
            return
        if not token.certificate:
            raise _two_credentials()
        if certificate is not None and self._of_certificate(certificate).credential == credential_of(token.certificate):
            return
        came = "beside another one" if certificate is not None else "without it"
        message = f"the token {token.id} counts beside the certificate that it is bound to, and came {came}"
        raise RefusedError("CREDENTIAL_BOUND", message, credential=f"token:{token.id}")

    def _of_certificate(self, pem: bytes) -> Identity:
        site = self.site()
        if site.certificates is None:
            raise RefusedError("CREDENTIAL_INVALID", "this daemon takes no certificates")
        try:
            found = identity_of(pem, site.certificates, site, self.revoked())
        except CertificateError as error:
            raise RefusedError("CREDENTIAL_INVALID", str(error)) from None
        if found is None:
            raise RefusedError("CREDENTIAL_REVOKED", "the certificate was revoked: ask for a new one")
        return found


def _two_credentials() -> RefusedError:
    message = "the call came with a certificate and a token, and which of them counts is not to be guessed"
    return RefusedError("CREDENTIAL_INVALID", f"{message}: give one, or a token that is bound to the certificate")


def grants_from_text(text: str) -> frozenset[Grant]:
    """Return grants as the store holds them."""
    return frozenset(Grant(project, Role(role)) for project, role in json.loads(text))


def grants_text(grants: frozenset[Grant]) -> str:
    """Return grants as the store holds them."""
    return json.dumps([[grant.project, grant.role] for grant in sorted(grants)])


@lru_cache
def _own(authentication: Authentication) -> Identity:
    try:
        subject = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        subject = str(os.getuid())
    return Identity(subject=subject, authentication=authentication, credential=authentication, grants=OWN_GRANTS)
