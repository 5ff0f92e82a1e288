"""Who calls, as the daemon sees it."""

from dataclasses import dataclass
from typing import Literal

from tunewright.daemon.access.roles import Grant, Permission, allowed_projects
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.store.projects import Projects
from tunewright.spec.access import ALL_PROJECTS, Role

Authentication = Literal["socket", "anonymous", "certificate", "token", "oidc", "user"]

#: What somebody may do who could as well read the home's files: everything.
OWN_GRANTS = frozenset(Grant(ALL_PROJECTS, role) for role in Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, and what proved it. `credential` names the proof in logs, never its secret."""

    subject: str
    authentication: Authentication
    credential: str
    grants: frozenset[Grant]
    expire_time: Milliseconds | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is the user whose daemon this is: they alone reach the home's socket, and own every file."""
        return self.authentication in ("socket", "anonymous")

    def projects(self, permission: Permission) -> Projects:
        """Return the projects in which this one has a permission; None for all."""
        return allowed_projects(self.grants, permission)

    def may(self, permission: Permission, project: str) -> bool:
        """Answer whether this one has a permission in a project."""
        found = self.projects(permission)
        return found is None or project in found
