"""Picks values and remembers where each came from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tunewright.compiler.facts.defaults import DEFAULTS_VERSION
from tunewright.compiler.ir.resolved import Origin, Provenance
from tunewright.compiler.passes.work import Work
from tunewright.spec.document import dotted

T = TypeVar("T")


@dataclass(slots=True)
class Chooser:
    """Chooses values below one path of the spec and records the provenance of each."""

    work: Work
    path: tuple[str, ...]
    provenance: dict[str, Provenance] = field(default_factory=dict)

    def below(self, key: str) -> "Chooser":
        """Return a chooser for a section inside, recording into the same table."""
        return Chooser(self.work, (*self.path, key), self.provenance)

    def written(self, key: str) -> None:
        """Record that the value of `key` was written."""
        span = self.work.value_span(*self.path, key)
        self._record(key, Origin.WRITTEN, f"{span.source.name}:{span.begin.line}:{span.begin.column}")

    def default(self, key: str, value: T | None, default: T, why: str = "") -> T:
        """Return the written value, or the default."""
        if value is not None:
            self.written(key)
            return value
        self._record(key, Origin.DEFAULT, f"defaults version {DEFAULTS_VERSION}" + (f", {why}" if why else ""))
        return default

    def derived(self, key: str, value: T | None, derive: Callable[[], tuple[T, str]]) -> T:
        """Return the written value, or what follows from other facts, with the reason."""
        if value is not None:
            self.written(key)
            return value
        result, reason = derive()
        self._record(key, Origin.DERIVED, reason)
        return result

    def optional(self, key: str, value: T | None) -> T | None:
        """Return a value that may stay unset."""
        if value is not None:
            self.written(key)
        else:
            self._record(key, Origin.DEFAULT, "unset")
        return value

    def _record(self, key: str, origin: Origin, text: str) -> None:
        self.provenance[dotted((*self.path, key))] = Provenance(origin, text)
