"""Defaults of an evaluation step."""

from tunewright.compiler.facts import defaults
from tunewright.compiler.ir.resolved import ResolvedEvaluate
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.default_runner import default_runner
from tunewright.compiler.passes.provenance import Chooser
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.evaluate import Evaluate


def default_evaluate(work: Work, evaluate: Evaluate, seed: int, chooser: Chooser) -> ResolvedEvaluate:
    """Return the step with every value explicit; generation is greedy unless a temperature is written."""
    assert work.facts is not None
    facts = work.facts
    chooser.written("model")
    chooser.written("suites")
    return ResolvedEvaluate(
        model=evaluate.model,
        suites=evaluate.suites,
        limit=chooser.optional("limit", evaluate.limit),
        max_new_tokens=chooser.default("max_new_tokens", evaluate.max_new_tokens, defaults.MAX_NEW_TOKENS),
        temperature=chooser.default("temperature", evaluate.temperature, 0.0),
        batch_size=chooser.default("batch_size", evaluate.batch_size, defaults.EVALUATION_BATCH),
        system_prompt=chooser.optional("system_prompt", evaluate.system_prompt),
        seed=seed,
        precision=chooser.derived("precision", None, lambda: machine.precision(facts)),
        device=machine.device(facts),
        threads=machine.threads(facts),
        runner=default_runner(evaluate.runner, chooser),
    )
