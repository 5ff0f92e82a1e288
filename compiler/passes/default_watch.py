"""Defaults of a training step's watch."""

from dataclasses import fields
from typing import Any

from tunewright.compiler.ir.resolved import ResolvedWatch
from tunewright.compiler.passes.provenance import Chooser
from tunewright.spec.model.section import parse_duration
from tunewright.spec.model.watch import Watch

_SECONDS = "_seconds"


def default_watch(written: Watch | None, chooser: Chooser) -> ResolvedWatch:
    """Return the section with every value explicit."""
    watch, inner = written or Watch(), chooser.below("watch")
    values: dict[str, Any] = {}
    for item in fields(ResolvedWatch):
        key = item.name.removesuffix(_SECONDS)
        value = getattr(watch, key)
        if item.name.endswith(_SECONDS) and value is not None:
            value = parse_duration(value)
        values[item.name] = (
            inner.optional(key, value) if item.default is None else inner.default(key, value, item.default)
        )
    return ResolvedWatch(**values)
