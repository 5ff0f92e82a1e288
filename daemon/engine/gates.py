"""Gates: read the metrics that evaluations left behind, and decide by them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler import expressions
from tunewright.compiler.expressions import ExpressionError, Metrics
from tunewright.compiler.ir.plan import Gate
from tunewright.daemon.engine.states import Fail, Failure, Requirement, Succeed, Verdict

METRICS_FILE = "metrics.json"
_MAX_BYTES = 16 * 1024 * 1024


def read_metrics(folders: Mapping[str, Path]) -> Metrics:
    """Return the metrics of those steps (name -> artifact folder) whose artifact has some."""
    found: dict[str, Any] = {}
    for step, folder in folders.items():
        try:
            with (folder / METRICS_FILE).open("rb") as stream:
                content = stream.read(_MAX_BYTES + 1)
            value = json.loads(content) if len(content) <= _MAX_BYTES else None
        except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found[step] = {suite: values for suite, values in value.items() if isinstance(values, dict)}
    return found


def decide(gate: Gate, metrics: Metrics) -> Succeed | Fail:
    """Return what happens to a gate's step. A requirement that can't be evaluated fails the step whatever `on_fail`
    says.
    """
    requirements = []
    for written in gate.require:
        try:
            result = expressions.evaluate(expressions.parse(written), metrics)
        except ExpressionError as error:
            message = f"`{written}` can't be decided: {error}"
            return Fail(failure=Failure(reason="GATE_UNDECIDABLE", message=message, help="correct the requirement"))
        requirements.append(Requirement(written=written, evaluated=result.text, passed=result.passed))
    missed = [item.evaluated for item in requirements if not item.passed]
    verdict = Verdict(passed=not missed, requirements=tuple(requirements))
    if not missed:
        return Succeed(verdict=verdict)
    message = f"required, but not so: {'; '.join(missed)}"
    if gate.on_fail == "alert":
        return Succeed(verdict=verdict, alert=message)
    failure = Failure(
        reason="GATE_FAILED", message=message, help="the steps above the gate are kept; nothing after it runs"
    )
    return Fail(failure=failure, verdict=verdict, alert=message if gate.on_fail == "stop_and_alert" else "")
