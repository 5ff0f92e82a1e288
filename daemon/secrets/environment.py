"""Secrets in the daemon's own environment: only names that the site lists, or that begin as it says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from tunewright.daemon.secrets.provider import Held, Scope, filled


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentProvider:
    """Variables of the daemon. `names` are taken as they are; `prefix` stands in front of any name, and may hold
    `{project}` (in capitals, `-` as `_`). Runners never inherit them.
    """

    names: frozenset[str] = frozenset()
    prefix: str = ""
    scope: Scope
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)

    kind = "env"

    def read(self, project: str, name: str) -> bytes | None:
        """Return the variable's value."""
        if not self.scope.holds(project):
            return None
        found = self.variables.get(self._prefix(project) + name) if self.prefix else None
        if found is None and name in self.names:
            found = self.variables.get(name)
        return os.fsencode(found) if found else None

    def held(self, project: str) -> tuple[Held, ...]:
        """Return the names of the variables that are set."""
        if not self.scope.holds(project):
            return ()
        prefix = self._prefix(project)
        begun = {name.removeprefix(prefix) for name in self.variables if prefix and name.startswith(prefix)}
        named = {name for name in self.names if name in self.variables}
        return tuple(Held(name=name, provider=self.kind) for name in sorted(begun | named) if name)

    def _prefix(self, project: str) -> str:
        return environment_prefix(self.prefix, project)


def environment_prefix(prefix: str, project: str) -> str:
    """Return how the variables of a project begin."""
    return filled(prefix, project.upper().replace("-", "_"))
