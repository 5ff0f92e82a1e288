"""The users of this machine by the numbers that the kernel knows them by: their names and groups."""

import asyncio
import grp
import os
import pwd
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.site import Site
from tunewright.spec.access import is_subject

_KEPT_SECONDS = 2.0
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalUser:
    """`name` is None for a number that the machine has no user for."""

    number: int
    name: str | None
    groups: frozenset[str]

    def identity(self, site: Site) -> Identity | None:
        """Return who this is for the site; None for somebody it does not know."""
        known = site.users.get(self.name or "") or site.users.get(f"#{self.number}")
        # A name of their own, so that nobody is taken for the holder of a certificate that says the same.
        own = f"{self.name if self.name and is_subject(self.name) else self.number}@local"
        grants = site.granted(known or own, local_groups=self.groups)
        if known is None and not grants:
            return None
        return Identity(subject=known or own, authentication="user", credential=f"user:{self.number}", grants=grants)


@dataclass(slots=True)
class LocalUsers:
    """Asks the machine's user database, each user at most every two seconds: it may lie on another machine."""

    now: Callable[[], float] = time.monotonic
    _kept: dict[int, tuple[float, LocalUser]] = field(default_factory=dict)

    async def find(self, number: int) -> LocalUser:
        """Return the user with this number."""
        kept = self._kept.get(number)
        if kept is not None and self.now() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        found = await asyncio.to_thread(look_up, number)
        self._kept[number] = (self.now(), found)
        return found


def look_up(number: int) -> LocalUser:
    """Return what the machine's user database says now."""
    try:
        entry = pwd.getpwuid(number)
    except KeyError:
        return LocalUser(number=number, name=None, groups=frozenset())
    groups = set()
    for group in os.getgrouplist(entry.pw_name, entry.pw_gid):
        try:
            groups.add(grp.getgrgid(group).gr_name)
        except KeyError:
            groups.add(f"#{group}")
    return LocalUser(number=number, name=entry.pw_name, groups=frozenset(groups))


def nobodys_number() -> int:
    """Return the number that stands for users of other namespaces: whoever has it may be anybody."""
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 65534
