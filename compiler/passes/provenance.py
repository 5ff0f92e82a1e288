"""Picks values and remembers where each came from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from tunewright.compiler.facts.defaults import DEFAULTS_VERSION
from tunewright.compiler.ir.resolved import Origin, Provenance
from tunewright.compiler.passes.work import Work
from tunewright.spec.document import Path, dotted
from tunewright.spec.source import Span

T = TypeVar("T")


def place_text(span: Span) -> str:
    """Return `life.yaml:12:5`: the file's name without its folder: a plan says nothing about where it was made."""
    begin = span.begin
    return f"{span.source.name.rpartition('/')[2]}:{begin.line}:{begin.column}"


@cache
def _by_default(why: str) -> Provenance:
    return Provenance(Origin.DEFAULT, f"defaults version {DEFAULTS_VERSION}" + (f", {why}" if why else ""))


@dataclass(slots=True)
class Chooser:
    """Chooses values below one path of the spec and records the provenance of each."""

    work: Work
    path: Path
    provenance: dict[str, Provenance] = field(default_factory=dict)
    _prefix: str = field(init=False)

    def __post_init__(self) -> None:
        self._prefix = f"{dotted(self.path)}." if self.path else ""

    def below(self, key: str | int) -> "Chooser":
        """Return a chooser for a section inside, recording into the same table."""
        return Chooser(self.work, (*self.path, key), self.provenance)

    def written(self, key: str) -> None:
        """Record that the value of `key` was written."""
        self._record(key, Provenance(Origin.WRITTEN, place_text(self.work.value_span(*self.path, key))))

    def default(self, key: str, value: T | None, default: T, why: str = "") -> T:
        """Return the written value, or the default."""
        if value is not None:
            self.written(key)
            return value
        self._record(key, _by_default(why))
        return default

    def derived(self, key: str, value: T | None, derive: Callable[[], tuple[T, str]]) -> T:
        """Return the written value, or what follows from other facts, with the reason."""
        if value is not None:
            self.written(key)
            return value
        result, reason = derive()
        self._record(key, Provenance(Origin.DERIVED, reason))
        return result

    def optional(self, key: str, value: T | None) -> T | None:
        """Return a value that may stay unset."""
        if value is not None:
            self.written(key)
        else:
            self._record(key, Provenance(Origin.DEFAULT, "unset"))
        return value

    def _record(self, key: str, provenance: Provenance) -> None:
        self.provenance[self._prefix + key] = provenance
