"""The call that is being served: who calls, and in which projects."""

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.limits import Limits
from tunewright.daemon.store.projects import Projects
from tunewright.spec.access import ALL_PROJECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was decided before a method began: `project` where the method has one, else the `projects` it may see.

    `folders` are where files of a spec may lie (None: anywhere).
    """

    identity: Identity
    limits: Limits
    project: str = ""
    projects: Projects = frozenset()
    folders: tuple[Path, ...] | None = ()

    @property
    def highest_priority(self) -> int | None:
        """The highest priority that the caller may ask for in the call's project; None for any."""
        grants = self.identity.grants
        roles = {grant.role for grant in grants if grant.project in (self.project, ALL_PROJECTS)}
        return self.limits.highest_priority(self.identity.subject, roles)

    def signature(self, told: str) -> str:
        """Return who is to be named: what a caller says of themselves counts only from the daemon's own user."""
        return told if told and self.identity.is_local else self.identity.subject


_CURRENT: ContextVar[Call] = ContextVar("tunewright_call")


def begin(call: Call) -> None:
    """Make `call` the current one, until the task that serves it ends."""
    _CURRENT.set(call)


def current() -> Call:
    """Return the call that is being served; LookupError outside of one, so that nothing is allowed by default."""
    return _CURRENT.get()
