"""A spec in the making: each value with the option or default it came from, and what could not be carried."""

from dataclasses import dataclass, field
from typing import Any

from tunewright.spec.record import record

Path = tuple[str, ...]


@record
class Said:
    """A value and where it was said: an option (`lora_r: 32, line 12`) or a default (`default of ms-swift 3.7`)."""

    value: Any
    origin: str

    def but(self, value: Any, why: str) -> "Said":
        """Return another value in its place, with the reason."""
        return Said(value, f"{self.origin}; {why}")


@record
class Line:
    """One value of the spec at its path."""

    path: Path
    value: Any
    origin: str


@record
class Remark:
    """What happened to an option that is no line of the spec: `subject` as it was written, `reason` a sentence."""

    subject: str
    reason: str


@record(kw_only=True)
class Draft:
    """An imported life.

    `left_out`: nothing is lost. `lost`: the spec means something else there. `refused`: no spec can say this at all.
    `assumed`: what the input does not say and somebody should look at.
    """

    source: str
    frameworks: tuple[str, ...]
    name: str
    lines: tuple[Line, ...]
    left_out: tuple[Remark, ...] = ()
    lost: tuple[Remark, ...] = ()
    refused: tuple[Remark, ...] = ()
    assumed: tuple[Remark, ...] = ()

    @property
    def is_refused(self) -> bool:
        """True when there is no spec that would mean the same."""
        return bool(self.refused)


@dataclass(slots=True)
class Drafting:
    """Collects the lines and remarks of one life; the same remark made twice counts once."""

    _lines: dict[Path, Line] = field(default_factory=dict)
    _left_out: dict[Remark, None] = field(default_factory=dict)
    _lost: dict[Remark, None] = field(default_factory=dict)
    _refused: dict[Remark, None] = field(default_factory=dict)
    _assumed: dict[Remark, None] = field(default_factory=dict)

    def put(self, path: Path, said: Said) -> None:
        """Write a value at a path."""
        self._lines[path] = Line(path, said.value, said.origin)

    def take_back(self, path: Path) -> None:
        """Remove the value at a path."""
        self._lines.pop(path, None)

    def value(self, path: Path) -> Any:
        """Return the value written at a path, or None."""
        line = self._lines.get(path)
        return line.value if line else None

    def names(self, section: str) -> tuple[str, ...]:
        """Return the names that a section of the spec has so far."""
        return tuple(dict.fromkeys(path[1] for path in self._lines if path[0] == section and len(path) > 1))

    @property
    def is_refused(self) -> bool:
        """True once something was refused."""
        return bool(self._refused)

    def mentions(self, *subjects: str) -> bool:
        """Say whether one of these texts stands beside a line or among the remarks."""
        remarks = (*self._left_out, *self._lost, *self._refused, *self._assumed)
        texts = [line.origin for line in self._lines.values()] + [remark.subject for remark in remarks]
        return any(subject in text for subject in subjects for text in texts)

    def leave(self, subject: str, reason: str) -> None:
        """Note an option that needs no counterpart: nothing is lost."""
        self._left_out[Remark(subject, reason)] = None

    def lose(self, subject: str, reason: str) -> None:
        """Note an option that the spec can't say; the rest still stands."""
        self._lost[Remark(subject, reason)] = None

    def refuse(self, subject: str, reason: str) -> None:
        """Note what makes every spec a wrong one."""
        self._refused[Remark(subject, reason)] = None

    def assume(self, subject: str, reason: str) -> None:
        """Note what was assumed because the input does not say it."""
        self._assumed[Remark(subject, reason)] = None

    def finish(self, *, source: str, frameworks: tuple[str, ...], name: str) -> Draft:
        """Return the draft as it stands."""
        return Draft(
            source=source,
            frameworks=frameworks,
            name=name,
            lines=tuple(self._lines.values()),
            left_out=tuple(self._left_out),
            lost=tuple(self._lost),
            refused=tuple(self._refused),
            assumed=tuple(self._assumed),
        )
