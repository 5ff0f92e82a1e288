"""Who does the work of a step, where the spec names somebody else's runner."""

from tunewright.compiler.ir.resolved import ResolvedRunner
from tunewright.compiler.passes.provenance import Chooser
from tunewright.spec.model.runner import Runner


def default_runner(runner: Runner | None, chooser: Chooser) -> ResolvedRunner | None:
    """Return the runner that is named, None where ours does it."""
    if runner is None:
        return None
    chooser.written("runner")
    return ResolvedRunner(name=runner.name, options=dict(runner.options or {}))
