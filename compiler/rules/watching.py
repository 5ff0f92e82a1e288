"""What a training step is watched for: combinations that could never do what they say."""

from collections.abc import Iterator

from tunewright.compiler.ir.resolved import ResolvedStep, ResolvedTrain
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.methods import METHODS


def _trains(work: Work) -> Iterator[tuple[ResolvedStep, ResolvedTrain]]:
    assert work.resolved is not None
    return iter(work.resolved.trains())


def _check_rollback(work: Work) -> None:
    for step, train in _trains(work):
        for signal in train.watch.rolls_back:
            if train.max_steps is not None and train.save_steps >= train.max_steps:
                work.sink.report(
                    "TW3070",
                    f"`{signal}` goes back to a checkpoint, and the first one comes after the last step",
                    work.value_span("steps", step.name, "train", "watch", signal),
                    help=f"set `save_steps` below `max_steps`, {train.max_steps}",
                )


def _check_warm_up(work: Work) -> None:
    for step, train in _trains(work):
        watch = train.watch
        if watch.warm_up > watch.window:
            work.sink.report(
                "TW3071",
                f"a window of {watch.window} steps never holds the {watch.warm_up} of the warm-up: nothing is compared",
                work.value_span("steps", step.name, "train", "watch", "warm_up"),
                help=f"set `warm_up` to at most {watch.window}, or a larger `window`",
            )


def _check_heeded(work: Work) -> None:
    assert work.spec is not None
    for step, train in _trains(work):
        body = work.spec.steps[step.name].train
        written = body.watch if body is not None else None
        if written is None:
            continue
        path = ("steps", step.name, "train", "watch")
        for key in ("rollbacks", "rollback_learning_rate_factor"):
            if getattr(written, key) is not None and not train.watch.rolls_back:
                message = f"`{key}` says nothing: no signal has the policy `rollback_and_continue`"
                work.sink.report("TW3072", message, work.key_span(*path, key), help="remove it, or set such a policy")
        if written.reward_collapse is not None and not METHODS[train.method].is_rewarded:
            message = f"`reward_collapse` says nothing: {train.method} has no rewards"
            work.sink.report("TW3072", message, work.key_span(*path, "reward_collapse"), help="remove it")


RULES = (
    Rule(
        code="TW3070",
        phase=Phase.TEXT,
        check=_check_rollback,
        why="Going back needs a checkpoint to go back to: without one the step would only stop.",
        bad="steps: {sft: {train: {max_steps: 50, save_steps: 100, watch: {loss_spike: rollback_and_continue}}}}",
        good="steps: {sft: {train: {max_steps: 50, save_steps: 10, watch: {loss_spike: rollback_and_continue}}}}",
    ),
    Rule(
        code="TW3071",
        phase=Phase.TEXT,
        check=_check_warm_up,
        why="Losses are compared once the warm-up is in the window: one that never fits turns the watch off, silently.",
        bad="steps: {sft: {train: {watch: {window: 32, warm_up: 64}}}}",
        good="steps: {sft: {train: {watch: {window: 64, warm_up: 32}}}}",
    ),
    Rule(
        code="TW3072",
        phase=Phase.TEXT,
        check=_check_heeded,
        why="A setting of the watch that nothing reads gives a false feeling of safety.",
        bad="steps: {sft: {train: {watch: {rollbacks: 3}}}}",
        good="steps: {sft: {train: {watch: {rollbacks: 3, loss_spike: rollback_and_continue}}}}",
    ),
)
