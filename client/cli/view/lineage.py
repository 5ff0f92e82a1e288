"""Where a run comes from and where it goes on: what a resume or a retry leaves behind in both runs."""

import json
from collections.abc import Mapping
from typing import Any

from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.values import Run
from tunewright.compiler.render.plain import clean_line


def lineage_lines(run: Run, plan: Mapping[str, Any], progress: RunProgress) -> list[str]:
    """Return a line for each step that goes on from another run's checkpoint, or one that names the run before."""
    lines = [_continued(step) for step in plan.get("steps", ()) if _continuation(step)]
    if not lines and run.retry_of:
        lines = [f"does run {run.retry_of} again"]
    if run.state == "cancelled" and progress.cancelled_because:
        lines.append(progress.cancelled_because)
    return [clean_line(f"  lineage    {line}") for line in lines]


def _continuation(step: Mapping[str, Any]) -> Mapping[str, Any]:
    return step.get("parameters", {}).get("continued") or {}


def _continued(step: Mapping[str, Any]) -> str:
    told = str(step.get("provenance", {}).get("continued", "")).removeprefix("written: ")
    changed = _continuation(step).get("changed", {})
    changes = [word for name, change in changed.items() for word in _differences(name, change["from"], change["to"])]
    return f"{step['name']} {told}; {', '.join(changes)}"


def _differences(name: str, before: Any, after: Any) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return [f"{name} {_word(before)} -> {_word(after)}"]
    keys = [key for key in after if before.get(key) != after[key]]
    return [word for key in keys for word in _differences(f"{name}.{key}", before.get(key), after[key])]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
