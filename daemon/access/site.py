"""What a site has decided about access: where to listen, who proves what how, and who may do what."""

import ipaddress
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunewright.daemon.access.limits import DEFAULT_LIMITS, Limits
from tunewright.daemon.access.roles import Grant


class AccessError(ValueError):
    """Access can't be as it was asked for; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An address, and how those who call there prove who they are; `users`: the kernel says it, on a Unix socket."""

    address: str
    callers: Literal["certificates", "tokens", "users"]

    @property
    def socket(self) -> Path | None:
        """The Unix socket that the address names."""
        return Path(self.address.removeprefix("unix:")) if self.address.startswith("unix:") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files of what the daemon shows to those who call."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Whose certificates callers may have, and what is read from them."""

    authority: Path
    revocations: Path | None = None
    subject: Literal["common_name", "email", "dns", "uri"] = "common_name"
    grants: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """The site's issuer of identities, and the claims that are read."""

    issuer: str
    audience: str
    subject: str = "sub"
    groups: str = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """Roles of somebody, or of everybody in a group of the issuer's or of this machine's."""

    subject: str | None
    group: str | None
    local_group: str | None
    grants: frozenset[Grant]

    def is_for(self, subject: str, groups: Container[str | None], local_groups: Container[str | None]) -> bool:
        """Answer whether somebody who is in these groups has the roles."""
        if self.subject is not None:
            return self.subject == subject
        return self.group in groups if self.group is not None else self.local_group in local_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All of it. Without a file nobody but the daemon's own user has any right, but for the tokens that they make."""

    listen: tuple[Listener, ...] = ()
    metrics: str | None = None
    tls: Tls | None = None
    certificates: Certificates | None = None
    oidc: Oidc | None = None
    rows: tuple[GrantRow, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    def granted(self, subject: str, groups: Iterable[str] = (), local_groups: Iterable[str] = ()) -> frozenset[Grant]:
        """Return what is granted to somebody who is in these groups of the issuer's and of this machine's."""
        theirs, here = frozenset(groups), frozenset(local_groups)
        return frozenset(grant for row in self.rows if row.is_for(subject, theirs, here) for grant in row.grants)

    def folders(self, project: str) -> tuple[Path, ...]:
        """Return the folders that files of a project's specs may lie in."""
        return self.places.get(project, ())


def check_listener(listener: Listener, site: Site) -> None:
    """Raise AccessError where callers could not prove who they are, or where others could read the proof."""
    if (listener.callers == "users") != (listener.socket is not None):
        message = f"{listener.address}: `callers: users` goes with an address such as unix:/run/tunewright/daemon.sock"
        raise AccessError(f"{message}, and no other `callers` do")
    if listener.socket is not None:
        if not listener.socket.is_absolute():
            raise AccessError(f"{listener.address}: the path of a socket begins with /")
        return
    if listener.callers == "certificates" and (site.tls is None or site.certificates is None):
        message = f"{listener.address} takes certificates: the access file needs `tls` and `certificates` for that"
        raise AccessError(message)
    if site.tls is None and not is_loopback(listener.address):
        raise AccessError(
            f"{listener.address} is reached from other machines, and without `tls` anybody on the way reads what is"
            " said there: add `tls` to the access file, or listen on 127.0.0.1 and use an SSH tunnel"
        )


def is_loopback(address: str) -> bool:
    """Answer whether only this machine reaches `HOST:PORT`; raise AccessError when it is no such address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise AccessError(f"an address has a port, such as 127.0.0.1:7419; this one has not: `{address}`")
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        raise AccessError(f"an address is an IP address such as 127.0.0.1, not the name `{host}`") from None
