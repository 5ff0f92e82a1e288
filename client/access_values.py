"""What the client tells about access: plain values, without gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tunewright.spec.access import Role


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One role in one project; `*` is every project."""

    project: str
    role: Role

    def __str__(self) -> str:
        return f"{self.project}:{self.role}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the daemon takes the caller for. `authentication`: socket, anonymous, certificate, token, oidc, user."""

    subject: str
    authentication: str
    credential: str
    grants: tuple[Grant, ...]
    expire_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret; `certificate` is the SHA-256 of the one it is bound to, empty for none."""

    id: str
    subject: str
    grants: tuple[Grant, ...]
    created_by: str
    create_time: datetime | None
    expire_time: datetime | None
    revoke_time: datetime | None
    revoked_by: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Somebody whom nothing lets in."""

    subject: str
    reason: str
    created_by: str
    create_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """One entry of the log of access."""

    sequence: int
    time: datetime | None
    kind: str
    actor: str
    credential: str
    peer: str
    method: str
    reason: str
    body: Mapping[str, Any]
