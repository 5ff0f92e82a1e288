"""`alerts.yaml`: a site's sinks and rules as they are written, held to as strictly as a spec."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from tunewright.compiler.expressions import ExpressionError
from tunewright.compiler.expressions import parse as parse_condition
from tunewright.compiler.ir.plan import AlertRule
from tunewright.daemon.access.file import Project
from tunewright.daemon.alerts.references import REFERENCE, check_references, resolved
from tunewright.daemon.alerts.settings import (
    AlertSettings,
    AlertSettingsError,
    Command,
    Sink,
    SiteRule,
    Webhook,
)
from tunewright.daemon.alerts.signature import read_keys
from tunewright.daemon.alerts.webhook import destination
from tunewright.daemon.settings import SettingsFileError
from tunewright.daemon.settings_file import Written, read_written
from tunewright.daemon.store.alerts import Folding
from tunewright.spec.alerting import EVENTS, OTHERWISE, worst
from tunewright.spec.model.alert import Alert, Severity, SinkName
from tunewright.spec.model.section import Count, Duration, Section, SpecName, one_or_more, parse_duration

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Projects = Annotated[tuple[Project, ...], BeforeValidator(one_or_more), Field(min_length=1)]


class WebhookSection(Section):
    """A receiver of signed messages."""

    url: str
    """Where: https, or http on this machine. `${file:NAME}` stands for what must not be read here."""

    key: str
    """The key of the signature, as a reference: `${file:NAME}`, a file that only the daemon's user reads."""

    authority: str | None = None
    """File with the certificates of the site's own authority, PEM; the system's when not written."""

    timeout: Duration = "10s"
    """A try ends after this time."""


class CommandSection(Section):
    """A program that gets messages on its standard input."""

    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    """The program, with its whole path, and its arguments; no shell reads them."""

    environment: tuple[Variable, ...] = ()
    """Variables of the daemon that it sees, beside PATH, LANG and TUNEWRIGHT_ALERT."""

    timeout: Duration = "30s"
    """A try ends after this time."""


class SinkSection(Section):
    """A place that alerts go to: exactly one of `webhook` and `command`."""

    webhook: WebhookSection | None = None
    """A receiver of signed messages."""

    command: CommandSection | None = None
    """A program that gets messages on its standard input."""

    projects: Projects | None = None
    """Whose alerts may go there; all projects' when not written."""

    severity: Severity = "info"
    """Alerts that are less bad are not sent there."""


class RuleSection(Alert):
    """A rule of the site's own: as in a spec, for the runs of some projects and specs."""

    projects: Projects | None = None
    """The projects whose runs it is about; all when not written."""

    specs: Annotated[tuple[SpecName, ...], BeforeValidator(one_or_more), Field(min_length=1)] | None = None
    """The specs whose runs it is about, by name; all when not written."""


class AlertsFile(Section):
    """The whole file."""

    api_version: Literal["tunewright/alerts/v1"]
    """The version of the file's language."""

    sinks: dict[SinkName, SinkSection] = Field(default_factory=dict)
    """Where alerts can go, by the names that rules use."""

    rules: tuple[RuleSection, ...] = ()
    """What the site is told of, whatever specs say."""

    fold: Duration = "10m"
    """Alerts that are alike come at most this often; those in between are counted in the next one."""

    most_a_minute: Count = 30
    """A sink gets no more in a minute one by one; the others are counted in one."""

    give_up_after: Duration = "24h"
    """An alert that is not taken is tried again this long."""


def read_alerts_file(path: Path) -> AlertSettings:
    """Return what the file says; raise AlertSettingsError with place and remedy of everything that is wrong with it."""
    try:
        written = read_written(path, AlertsFile)
    except SettingsFileError as error:
        raise AlertSettingsError(str(error)) from None
    return _Reading(written, path.absolute().parent).settings()


class _Reading:
    """Turns a file into settings; every mistake is told, each with its place."""

    def __init__(self, written: Written[AlertsFile], folder: Path) -> None:
        self._written, self._folder = written, folder
        self._problems: list[str] = []

    def settings(self) -> AlertSettings:
        file = self._written.value
        sinks = {name: self._sink(name, item) for name, item in file.sinks.items()}
        rules = tuple(self._rule(index, item, file) for index, item in enumerate(file.rules))
        if self._problems:
            raise AlertSettingsError("\n".join(self._problems))
        return AlertSettings(
            sinks={name: made for name, made in sinks.items() if made is not None},
            rules=rules,
            folding=Folding(window=int(_seconds(file.fold) * 1000), most=file.most_a_minute),
            give_up_seconds=_seconds(file.give_up_after),
        )

    def _sink(self, name: str, item: SinkSection) -> Sink | None:
        path = ("sinks", name)
        if (item.webhook is None) == (item.command is None):
            self._say(path, f"`{name}` must have one of `webhook` and `command`")
            return None
        channel = self._webhook(name, item.webhook) if item.webhook else self._command(name, item.command)
        projects = None if item.projects is None else frozenset(item.projects)
        if channel is None:
            return None
        return Sink(name=name, channel=channel, projects=projects, severity=item.severity)

    def _webhook(self, name: str, item: WebhookSection) -> Webhook | None:
        path = ("sinks", name, "webhook")
        if REFERENCE.fullmatch(item.key) is None:
            self._say((*path, "key"), "`key` must be a reference, `${file:NAME}`: a key in clear text is read by many")
            return None
        for key, text, check in (("key", item.key, read_keys), ("url", item.url, destination)):
            try:
                check_references(text, f"`{key}`")
                check(resolved(text, self._folder))
            except AlertSettingsError as error:
                self._say((*path, key), str(error))
        return Webhook(
            url=item.url,
            key=item.key,
            folder=self._folder,
            timeout_seconds=_seconds(item.timeout),
            authority=None if item.authority is None else self._folder / item.authority,
        )

    def _command(self, name: str, item: CommandSection | None) -> Command | None:
        if item is None:
            return None
        if not Path(item.argv[0]).is_absolute() or not os.access(item.argv[0], os.X_OK):
            message = f"`{item.argv[0]}` is no program with its whole path that the daemon may start"
            self._say(("sinks", name, "command", "argv", 0), message)
        return Command(argv=item.argv, timeout_seconds=_seconds(item.timeout), environment=item.environment)

    def _rule(self, index: int, item: RuleSection, file: AlertsFile) -> SiteRule:
        path = ("rules", index)
        if sum(value is not None for value in (item.events, item.when, item.queued_for)) != 1:
            self._say(path, "each rule must have one of `events`, `when` and `queued_for`")
        for at, name in enumerate(item.to):
            if name not in file.sinks:
                self._say((*path, "to", at), f"there is no sink `{name}`; add it to `sinks`")
        if item.when is not None:
            try:
                parse_condition(item.when)
            except ExpressionError as error:
                self._say((*path, "when"), f"not a condition: {error}")
        events = item.events or ()
        usual = worst(tuple(EVENTS[event].severity for event in events)) if events else OTHERWISE
        rule = AlertRule(
            to=item.to,
            severity=item.severity or usual,
            events=events,
            when=item.when,
            queued_seconds=None if item.queued_for is None else _seconds(item.queued_for),
        )
        return SiteRule(
            rule=rule,
            projects=None if item.projects is None else frozenset(item.projects),
            specs=None if item.specs is None else frozenset(item.specs),
        )

    def _say(self, path: tuple[str | int, ...], message: str) -> None:
        self._problems.append(f"{self._written.place(path)}: {message}")


def _seconds(text: str) -> float:
    found = parse_duration(text)
    if found is None:
        raise ValueError(text)  # the section has refused it before
    return found
