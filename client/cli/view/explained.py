"""What a place of a spec was resolved to: the value, where it comes from, what depends on it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import zip_longest
from typing import Any

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.plan import Plan
from tunewright.compiler.ir.resolved import ResolvedParallelism, ResolvedSpec
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean_line
from tunewright.spec.syntax import plain_value

_ABSENT: Any = object()
#: Characters of a value that are shown beside others.
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One value: its path, what it is, where it comes from."""

    path: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A place and everything below it. `digests` are those of the dependents, which the value enters."""

    path: str
    rows: tuple[Row, ...]
    dependents: tuple[str, ...]
    alternatives: tuple[tuple[str, str], ...]
    digests: tuple[str, ...] = ()
    replaced: tuple[Row, ...] = ()

    def text(self) -> str:
        """Return it for people."""
        lines = [clean_line(line) for line in aligned(_cells(self.rows), indent="")]
        if self.replaced:
            overlaid = aligned([(_word(row.value), row.origin) for row in self.replaced])
            lines += ["", "instead of:", *(clean_line(line) for line in overlaid)]
        if self.alternatives:
            lines += ["", "not taken:", *(clean_line(line) for line in aligned(self.alternatives))]
        if self.dependents:
            named = zip_longest(self.dependents, (digest[:19] for digest in self.digests), fillvalue="")
            lines += ["", "done again when it changes:", *aligned(list(named))]
        return "\n".join(lines) + "\n"

    def value(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "path": self.path,
            "values": [{"path": row.path, "value": row.value, "origin": row.origin} for row in self.rows],
            "not_taken": [{"choice": choice, "reason": reason} for choice, reason in self.alternatives],
            "replaced": [{"value": row.value, "origin": row.origin} for row in self.replaced],
            "dependents": list(self.dependents),
            "digests": dict(zip(self.dependents, self.digests, strict=False)),
        }


def _cells(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Return path, value and origin of each row for people: a reason once, and of several values no endless one."""
    cells = []
    for number, row in enumerate(rows):
        word = _word(row.value)
        if len(rows) > 1 and len(word) > _WIDEST:
            word = f"{word[: _WIDEST - 1]}…"
        same = number > 0 and row.origin == rows[number - 1].origin and row.origin.startswith("derived")
        cells.append((row.path, word, "for the same reason" if same else row.origin))
    return cells


def explained(compilation: Compilation, path: str) -> Explained:
    """Explain a dotted path; raise CommandError where the spec has nothing there."""
    provenance = compilation.resolved.provenance if compilation.resolved is not None else {}
    below = sorted(known for known in provenance if known == path or known.startswith(f"{path}."))
    rows = tuple(
        row for known in below for row in _flat(known, resolved_value(compilation, known), str(provenance[known]))
    )
    if not rows:
        written = _written(compilation, path)
        if written is _ABSENT:
            raise CommandError(f"the spec has nothing at `{path}`", help=_nearest(path, provenance), code=exits.USAGE)
        rows = (Row(path, written, _place(compilation, path)),)
    dependents = _dependents(compilation.plan, path)
    digests = tuple(compilation.plan.step(name).digest for name in dependents) if compilation.plan is not None else ()
    return Explained(path, rows, dependents, _alternatives(compilation.resolved, path), digests)


def _flat(path: str, value: Any, origin: str) -> list[Row]:
    if not isinstance(value, Mapping):
        return [Row(path, value, origin)]
    shown = {name: item for name, item in value.items() if name not in ("reason", "alternatives")}
    return [Row(f"{path}.{name}", item, origin) for name, item in shown.items()]


def resolved_value(compilation: Compilation, path: str) -> Any:
    """Return what a path was resolved to; what was written where nothing was resolved."""
    parts = path.split(".")
    if compilation.resolved is not None and parts[0] == "steps" and len(parts) > 3:
        step = compilation.resolved.step(parts[1])
        value = _inside(step.body, parts[3:]) if step is not None else _ABSENT
        if value is not _ABSENT:
            return value
    elif compilation.resolved is not None and len(parts) == 1 and hasattr(compilation.resolved, path):
        return getattr(compilation.resolved, path)
    written = _written(compilation, path)
    return None if written is _ABSENT else written


def _inside(value: Any, parts: list[str]) -> Any:
    for part in parts:
        name = "from_step" if part == "from" else part
        if value is None:
            return None
        if not (is_dataclass(value) and name in {field.name for field in fields(value)}):
            return _ABSENT
        value = getattr(value, name)
    return _plain(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _written(compilation: Compilation, path: str) -> Any:
    node = compilation.document.node(tuple(path.split("."))) if compilation.document is not None else None
    return _ABSENT if node is None else plain_value(node)


def _place(compilation: Compilation, path: str) -> str:
    if compilation.document is None:
        return "written"
    span = compilation.document.value_span(tuple(path.split(".")))
    return f"written: {span.source.name}:{span.begin.line}:{span.begin.column}"


def _dependents(plan: Plan | None, path: str) -> tuple[str, ...]:
    """Return the steps that would be done again: those whose identity holds the path, and all below them."""
    changed: list[str] = []
    for step in plan.steps if plan is not None else ():
        own = any(key == path or key.startswith(f"{path}.") or path.startswith(f"{key}.") for key in step.identity)
        if own or any(f"step.{name}" in step.identity for name in changed):
            changed.append(step.name)
    return tuple(changed)


def _alternatives(resolved: ResolvedSpec | None, path: str) -> tuple[tuple[str, str], ...]:
    parts = path.split(".")
    if resolved is None or len(parts) < 4 or parts[3] != "parallelism":
        return ()
    step = resolved.step(parts[1])
    chosen = getattr(step.body, "parallelism", None) if step is not None else None
    if not isinstance(chosen, ResolvedParallelism):
        return ()
    return tuple((item.strategy, item.reason) for item in chosen.alternatives)


def _nearest(path: str, known: Mapping[str, Any]) -> str:
    from tunewright.spec.suggest import nearest

    near = nearest(path, known)
    return f"did you mean `{near}`?" if near else "paths begin at the top level, such as steps.NAME.train.learning_rate"


def _word(value: Any) -> str:
    if value is None:
        return "unset"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
