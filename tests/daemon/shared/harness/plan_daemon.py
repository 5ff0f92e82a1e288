"""A real daemon whose compiler reads plans: `spec text` is a plan's JSON, so that tests say what is executed.

Text that begins with `error:` gets that error as its only diagnostic; `slow: N` takes N seconds. A set
`steps.NAME.train.KEY=NUMBER` changes that parameter of a step and its identity.

CRASH_AT names a point at which the daemon is killed as by `kill -9`, once: `before launch`, `after launch`,
`before adopt`, `after adopt`, `before commit N`, `after commit N`; `no supervisor` lets no supervisor start, `hang`
lets the next call that submits hang for ever; `before raising` and `before sending` are those of alerts.
"""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.compiler.ir.plan import Plan, plan_from_json, seal
from tunewright.daemon.__main__ import parsed, settings_from
from tunewright.daemon.alerts import delivering
from tunewright.daemon.alerts.raising import Raiser
from tunewright.daemon.app import serve
from tunewright.daemon.clock import Clock, system_clock
from tunewright.daemon.compile import Compiled, Submitted
from tunewright.daemon.engine import artifacts, attempts
from tunewright.daemon.engine.admission import Admission
from tunewright.daemon.store.database import Database
from tunewright.runners.supervision import spawn
from tunewright.spec.diagnostics import Diagnostic, Label
from tunewright.spec.source import SourceFile, Span


def read_plan(submitted: Submitted) -> Compiled:
    """Return the plan that the text is, or an error about all of the text."""
    if submitted.text.startswith("error:"):
        source = SourceFile(submitted.path, submitted.text)
        place = Label(Span(source, 0, len(submitted.text)))
        item = Diagnostic(code="TW0001", message=submitted.text.removeprefix("error:").strip(), primary=place)
        return Compiled(plan=None, diagnostics=(item,))
    if submitted.text.startswith("slow:"):
        sys.stderr.write("a slow compilation begins\n")
        time.sleep(float(submitted.text.removeprefix("slow:")))
    plan = plan_from_json(json.loads(submitted.text))
    for text in submitted.sets:
        plan = changed(plan, text)
    return Compiled(plan=plan, diagnostics=())


def changed(plan: Plan, text: str) -> Plan:
    """Return the plan with one `steps.NAME.train.KEY=NUMBER` on top."""
    path, _, value = text.partition("=")
    _, name, _, key = path.split(".")
    steps = []
    for step in plan.steps:
        parameters, identity = dict(step.parameters), dict(step.identity)
        if step.name == name:
            parameters[key] = identity[path] = float(value)
        steps.append(replace(step, parameters=parameters, identity=identity))
    return seal(replace(plan, sets=(*plan.sets, text), steps=tuple(steps)))


def crash() -> None:
    """End as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def crashing(inner: Callable[..., Any], when: str) -> Callable[..., Any]:
    """Return a function that is killed before or after doing its work."""

    def outer(*arguments: Any) -> Any:
        if when == "before":
            crash()
        inner(*arguments)
        crash()

    return outer


def crash_at_commit(when: str, number: int) -> None:
    """Be killed before the `number`-th commit, or after it and before anybody is told."""
    name, count = ("_commit", 0) if when == "before" else ("_resolve", 0)
    inner = getattr(Database, name)

    def counted(self: Database, *arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == number:
            crash()
        inner(self, *arguments)

    setattr(Database, name, counted)


def restless(step_milliseconds: int) -> Clock | None:
    """Return a clock that goes on by so much whenever somebody looks at it: time passes between any two lines."""
    if not step_milliseconds:
        return None
    ours, looks = system_clock(), itertools.count()
    return replace(ours, now=lambda: ours.now() + step_milliseconds * next(looks))


def arm(point: str) -> None:
    """Set the crash point."""
    match point.split():
        case ["no", "supervisor"]:
            spawn._SCRIPT = Path("/nonexistent/supervisor.py")
        case ["hang"]:
            Admission.record = lambda *_: time.sleep(600)
        case ["before", "raising"]:
            Raiser._decide = crashing(Raiser._decide, "before")
        case ["before", "sending"]:
            delivering._deliver = crashing(delivering._deliver, "before")
        case [when, "launch"]:
            attempts.launch = crashing(attempts.launch, when)
        case [when, "adopt"]:
            artifacts.adopt = crashing(artifacts.adopt, when)
        case [when, "commit", number]:
            crash_at_commit(when, int(number))


if __name__ == "__main__":
    arm(os.environ.get("CRASH_AT", ""))
    chosen = settings_from(parsed(sys.argv[1:]))
    chosen = replace(chosen, hang_seconds=float(os.environ.get("HANG_SECONDS", "60")))
    sys.exit(serve(chosen, compiler=read_plan, clock=restless(int(os.environ.get("CLOCK_STEP", "0")))))
