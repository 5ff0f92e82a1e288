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
    changes = ", ".join(
        f"{name} {_word(change['from'])} -> {_word(change['to'])}"
        for name, change in _continuation(step).get("changed", {}).items()
    )
    told = str(step.get("provenance", {}).get("continued", "")).removeprefix("written: ")
    return f"{step['name']} {told}; {changes}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
