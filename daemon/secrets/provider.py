"""What a place that secrets come from has to be able to do."""

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tunewright.daemon.engine.states import DEFAULT_PROJECT

#: As much as any key or certificate chain needs, and no more than a mistake may cost.
MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class SecretError(RuntimeError):
    """A secret is there, or should be, and can't be used; the message never holds a value.

    `help` says what to do, `temporary` whether it may pass by itself.
    """

    def __init__(self, message: str, *, help: str = "", temporary: bool = False) -> None:  # noqa: A002 - users' word
        super().__init__(message)
        self.help = help
        self.temporary = temporary


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A secret without its value. `modified` is when it was stored, in seconds since 1970; None where nobody knows."""

    name: str
    provider: str
    modified: float | None = None


class Provider(Protocol):
    """A place that secrets come from."""

    @property
    def kind(self) -> str:
        """The word for it in the settings file."""
        ...

    def read(self, project: str, name: str) -> bytes | None:
        """Return a value, None where this place has none of that name for the project; raise SecretError."""
        ...

    def held(self, project: str, /) -> tuple[Held, ...]:
        """Return what is known to be here for a project; a place that can only be asked by name answers nothing."""
        ...


@runtime_checkable
class Keeper(Provider, Protocol):
    """A place that we may write to."""

    def keep(self, project: str, name: str, value: bytes) -> None:
        """Store a value durably, in place of an older one; raise SecretError."""
        ...

    def remove(self, project: str, name: str) -> bool:
        """Forget a value; False where there was none."""
        ...


def is_name(text: str) -> bool:
    """Answer whether a text can name a secret."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Scope:
    """The projects that a place serves: those that are named, else only the default one.

    A place that keeps projects apart (its address holds `{project}`) serves all where none are named.
    """

    projects: tuple[str, ...] = ()
    apart: bool = False

    def holds(self, project: str) -> bool:
        """Answer whether a project may have anything from here."""
        return project in self.projects if self.projects else self.apart or project == DEFAULT_PROJECT


def filled(template: str, project: str, name: str = "") -> str:
    """Return an address with the project and the name in their places; both are made of harmless characters."""
    return template.replace("{project}", project).replace("{name}", name)
