"""Where a site's alerts go, as typed values. What reads them from a file is file.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.compiler.ir.plan import AlertRule
from tunewright.daemon.store.alerts import Folding
from tunewright.spec.alerting import SEVERITIES

DAY_SECONDS = 86_400.0


class AlertSettingsError(ValueError):
    """The settings of alerts can't be as they are; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver of signed messages. `url` and `key` may hold references to files in `folder`."""

    url: str
    key: str
    folder: Path
    timeout_seconds: float
    authority: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program that gets each message on its standard input; of our variables it sees those in `environment`."""

    argv: tuple[str, ...]
    timeout_seconds: float
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A place that alerts go to: for which projects (None: all), and from which severity on."""

    name: str
    channel: Webhook | Command
    projects: frozenset[str] | None = None
    severity: str = SEVERITIES[0]

    def serves(self, project: str) -> bool:
        """Answer whether alerts of a project may go there."""
        return self.projects is None or project in self.projects


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRule:
    """What the site wants to be told, whatever specs say: of which projects and specs (None: all)."""

    rule: AlertRule
    projects: frozenset[str] | None = None
    specs: frozenset[str] | None = None

    def covers(self, project: str, spec_name: str) -> bool:
        """Answer whether the rule is about a run."""
        return (self.projects is None or project in self.projects) and (self.specs is None or spec_name in self.specs)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """All of it; nobody is told anything without a file."""

    sinks: Mapping[str, Sink] = field(default_factory=dict)
    rules: tuple[SiteRule, ...] = ()
    folding: Folding = field(default_factory=lambda: Folding(window=600_000, most=30))
    give_up_seconds: float = DAY_SECONDS

    def names_for(self, project: str) -> frozenset[str]:
        """Return the names of the sinks that a project's specs may name."""
        return frozenset(name for name, sink in self.sinks.items() if sink.serves(project))

    def figures_watched(self, project: str, spec_name: str) -> bool:
        """Answer whether a rule of the site's is about figures of a run."""
        return any(own.rule.when is not None and own.covers(project, spec_name) for own in self.rules)
