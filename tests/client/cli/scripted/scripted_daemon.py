"""A real daemon with the real compiler, whose steps play scripts: `scripts.json` beside the spec has one a step."""

import json
import sys
from dataclasses import replace

from tunewright.compiler.front import compile_text
from tunewright.compiler.ir.plan import Launch, Process, Step, seal
from tunewright.daemon.__main__ import parsed, settings_from
from tunewright.daemon.app import serve
from tunewright.daemon.compile import Compiled, Submitted
from tunewright.spec.canonical import digest_of

FAKE = Process(argv=("{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"))


def scripted(submitted: Submitted) -> Compiled:
    """Compile the spec, then let the fake runner do the work of every step that starts a process."""
    found = compile_text(
        submitted.text,
        name=submitted.path,
        base_directory=submitted.base_directory,
        profile=submitted.profile,
        sets=submitted.sets,
        lock=submitted.lock,
        locked=submitted.locked,
    )
    compiled = Compiled(plan=found.plan, diagnostics=found.diagnostics)
    if compiled.plan is None:
        return compiled
    scripts = json.loads((submitted.base_directory / "scripts.json").read_text())
    steps = tuple(
        step if step.launch is None else played(step, scripts.get(step.name, [])) for step in compiled.plan.steps
    )
    return replace(compiled, plan=seal(replace(compiled.plan, steps=steps, digest="")))


def played(step: Step, script: list[dict[str, object]]) -> Step:
    """Return the step with a script for its work; the script is part of what decides its result."""
    return replace(
        step,
        kind="fake",
        parameters={**step.parameters, "script": script},
        launch=Launch(environment="control", command=FAKE),
        not_executable=None,
        digest=digest_of({"step": step.digest, "script": script}),
    )


if __name__ == "__main__":
    sys.exit(serve(settings_from(parsed(sys.argv[1:])), compiler=scripted))
