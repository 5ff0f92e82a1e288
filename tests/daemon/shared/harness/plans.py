"""Factories of sealed plans whose work is done by the fake runner."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunewright.compiler.ir.plan import Gate, Launch, Limits, Plan, Process, Step, StepInput, seal
from tunewright.spec.canonical import digest_of

COMMAND = Process(argv=("{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"))
Script = Sequence[Mapping[str, Any]]


def write(name: str, text: str) -> dict[str, Any]:
    """Return the act that writes a file into the outputs."""
    return {"write": {"path": f"outputs/{name}", "text": text}}


def role(name: str) -> dict[str, Any]:
    """Return the act that says what the outputs are."""
    return {"emit": {"kind": "artifact", "role": name, "path": "."}}


def metrics(values: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return the act that leaves metrics behind, as an evaluation does."""
    return write("metrics.json", json.dumps(values))


def a_step(
    name: str, script: Script = (), *, needs: Sequence[str] = (), environment: str = "control", **more: Any
) -> Step:
    """Return a step that plays a script; every step it needs is an input, but for gates: those only let pass."""
    step = Step(
        name=name,
        verb="train",
        kind="fake",
        summary=f"plays {len(script)} acts",
        needs=tuple(needs),
        inputs={f"from_{other}": StepInput(role="model", step=other) for other in needs if "gate" not in other},
        parameters={"script": list(script)},
        launch=Launch(environment=environment, command=COMMAND),
        limits=more.pop("limits", Limits(grace_seconds=5.0, retries=1)),
        **more,
    )
    return replace(step, digest=digest_of({"script": list(script), "needs": list(needs), "service": step.service}))


def a_shell_step(name: str, script: str, *, needs: Sequence[str] = (), **more: Any) -> Step:
    """Return a step whose runner is a shell script: what no well-behaved runner does."""
    step = a_step(name, needs=needs, **more)
    launch = Launch(environment="control", command=Process(argv=("sh", "-c", script)))
    return replace(step, launch=launch, digest=digest_of({"script": script, "needs": list(needs)}))


def a_gate(name: str, require: Sequence[str], *, needs: Sequence[str], on_fail: str = "stop") -> Step:
    """Return a gate."""
    return Step(
        name=name,
        verb="gate",
        kind="gate",
        summary="; ".join(require),
        needs=tuple(needs),
        gate=Gate(require=tuple(require), on_fail=on_fail),
        digest=digest_of({"require": list(require), "needs": list(needs), "on_fail": on_fail}),
    )


def a_plan(*steps: Step, name: str = "quick") -> Plan:
    """Return a sealed plan of these steps."""
    plan = Plan(
        compiler_version="test",
        name=name,
        profile=None,
        sets=(),
        spec_digest=digest_of(name),
        facts_digest=digest_of({}),
        machine="test",
        lock={},
        steps=steps,
    )
    return seal(plan)


def text_of(plan: Plan) -> str:
    """Return the spec text that the plan daemon compiles to this plan."""
    return json.dumps(plan.to_json())
