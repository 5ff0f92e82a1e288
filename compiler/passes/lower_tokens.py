"""lower_tokens: training steps whose tokens are made ahead -> a step each that makes them, on the processor."""

from dataclasses import replace

from tunewright.compiler.facts.defaults import STALL_AND_GRACE
from tunewright.compiler.ir.plan import Limits, Step
from tunewright.compiler.ir.resolved import ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import lowering, machine
from tunewright.compiler.passes.lower_train import train_parameters
from tunewright.compiler.passes.training_data import tokenizes_ahead, training_data
from tunewright.compiler.passes.work import Work

_KIND = "prepare.tokens"
#: What of a training step decides about its tokens: all else may change, and they are reused.
_DECIDING = ("method", "loss_on", "max_length", "truncation", "system_prompt", "seed", "mix", "evaluation_share")


def lower_tokens(work: Work) -> Work:
    """Add the steps that make tokens."""
    if work.resolved is None:
        return work
    steps = [_lower(work, step, train) for step, train in work.resolved.trains() if tokenizes_ahead(train)]
    return replace(work, steps=(*work.steps, *steps))


def _lower(work: Work, step: ResolvedStep, train: ResolvedTrain) -> Step:
    assert work.facts is not None
    data = training_data(work, train)
    # Training never changes a tokenizer: that of the base is there before any step has learned.
    model = lowering.base_input(work)
    inputs = {"model": model, **data.inputs}
    own = lowering.families(work, {"model": model})
    stall, grace = STALL_AND_GRACE["prepare"]
    return Step(
        name=lowering.tokens_name(step.name),
        verb="prepare",
        kind=_KIND,
        summary=f"tokens for {step.name}, at most {train.max_length} a row",
        needs=lowering.upstream_identity(inputs),
        inputs=inputs,
        parameters=train_parameters(train) | {"data": data.parameters} | ({"families": list(own)} if own else {}),
        launch=lowering.launch(
            _KIND, lowering.runner_argv(work, _KIND), device="cpu", threads=machine.threads(work.facts)
        ),
        limits=Limits(stall_seconds=stall, grace_seconds=grace),
        not_executable=lowering.not_executable(*(lowering.unknown_format(work, name) for name in train.data)),
        identity={
            **{f"train.{key}": getattr(train, key) for key in _DECIDING},
            **({"train.labels": train.options["labels"]} if "labels" in train.options else {}),
            **data.identity,
            **lowering.family_identity(work, {"model": model}),
            **lowering.environment_identity(work, _KIND),
        },
    )
