"""Family 3, third part: what goes together with a tuner. Every condition is a field of the table in spec/tuners.py."""

from collections.abc import Iterator

from tunewright.compiler.ir.resolved import (
    ModelState,
    ResolvedDeploy,
    ResolvedEvaluate,
    ResolvedExport,
    ResolvedStep,
    ResolvedTrain,
)
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.lower_evaluate import is_benchmark
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.methods import METHODS
from tunewright.spec.suggest import listed
from tunewright.spec.tuners import TUNERS, Tuner

_MERGE_INSTEAD = "use a tuner whose result melts into the base, such as `lora`"


def _trains(work: Work) -> Iterator[tuple[ResolvedStep, ResolvedTrain, Tuner]]:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        yield step, train, TUNERS[train.tuner.type]


def _check_strategy(work: Work) -> None:
    for step, train, tuner in _trains(work):
        strategy = train.parallelism.strategy
        # A base in 4 bits has a rule of its own, and so has Megatron.
        if strategy not in {*tuner.strategies, "megatron"} and tuner.base_bits is None:
            work.sink.report(
                "TW3080",
                f"{tuner.word} does not learn right under {strategy}",
                work.value_span("steps", step.name, "train", "parallelism"),
                labels=(Label(work.value_span("steps", step.name, "train", "tuner"), ""),),
                help=f"use {listed([f'`{name}`' for name in sorted(tuner.strategies)], 4)}, or `tuner: lora`",
            )


def _check_method(work: Work) -> None:
    for step, train, tuner in _trains(work):
        if tuner.methods and train.method not in tuner.methods:
            problem = f"{train.method} can't learn with {tuner.word}"
            why = f"it is for {listed(list(tuner.methods), 4)}"
        elif METHODS[train.method].compares(train.options) and not tuner.keeps_base:
            problem = f"{train.method} compares with the model before, which {tuner.word} does not keep"
            why = "the base is changed from the start, or can't be had without the adapter"
        else:
            continue
        work.sink.report(
            "TW3081",
            problem,
            work.value_span("steps", step.name, "train", "tuner"),
            why,
            labels=(Label(work.value_span("steps", step.name, "train", "method"), ""),),
            help="use `tuner: lora`",
        )


def _check_choice(work: Work) -> None:
    for step, train, tuner in _trains(work):
        span = work.value_span("steps", step.name, "train", "tuner")
        if tuner.needs_one_of and not any(train.tuner.options.get(key) for key in tuner.needs_one_of):
            keys = " or ".join(f"`{key}`" for key in tuner.needs_one_of)
            work.sink.report(
                "TW3082",
                f"nothing says what learns: {tuner.word} needs {keys}",
                span,
                help="the last two blocks: `tuner: {type: freeze, layers: [-2, -1]}`",
            )
        elif "target_modules" in tuner.form and not train.tuner.target_modules:
            work.sink.report(
                "TW3082",
                f"which layers {tuner.word} changes in this model is not known",
                span,
                labels=(Label(work.value_span("base", "model"), "a family that is not in the table"),),
                help="name them: `target_modules: [k_proj, v_proj, down_proj]`",
            )


def _check_blocks(work: Work) -> None:
    count = machine.base_model(work).num_hidden_layers
    if not count:
        return
    for step, train, _ in _trains(work):
        layers = train.tuner.options.get("layers")
        beyond = (
            [n for n in layers if isinstance(n, int) and not -count <= n < count] if isinstance(layers, tuple) else []
        )
        if beyond:
            work.sink.report(
                "TW3083",
                f"the base model has no block {beyond[0]}",
                work.value_span("steps", step.name, "train", "tuner", "layers"),
                labels=(Label(work.value_span("base", "model"), f"{count} blocks"),),
                help=f"use numbers from 0 to {count - 1}, or from -1 down to {-count} to count from the end",
            )


def _check_settings(work: Work) -> None:
    for step, train, tuner in _trains(work):
        for key, problem, wanted in (
            ("optim", tuner.optimizer not in (None, train.optim), f"`optim: {tuner.optimizer}`, or leave it out"),
            ("gradient_checkpointing", train.gradient_checkpointing and not tuner.replays, "false"),
            ("packing", train.packing and not tuner.packs, "false"),
        ):
            if problem:
                work.sink.report(
                    "TW3084",
                    f"{tuner.word} does not work with this `{key}`",
                    work.value_span("steps", step.name, "train", key),
                    labels=(Label(work.value_span("steps", step.name, "train", "tuner"), ""),),
                    help=f"use {wanted}" if key == "optim" else f"set `{key}: {wanted}`",
                )


def _check_use(work: Work) -> None:
    assert work.resolved is not None
    for step in work.resolved.steps:
        source = _source(step)
        name = work.resolved.models.get(source, ModelState()).adapter if source else None
        made = work.resolved.step(name) if name else None
        if made is None or not isinstance(made.body, ResolvedTrain):
            continue
        tuner = TUNERS[made.body.tuner.type]
        if (problem := _problem(work, step, tuner)) is not None:
            key = "from" if step.verb == "train" else "model"
            work.sink.report(
                "TW3085",
                problem,
                work.value_span("steps", step.name, step.verb, key),
                labels=(Label(work.key_span("steps", made.name), f"leaves a {tuner.word} adapter"),),
                help=_MERGE_INSTEAD,
            )


def _source(step: ResolvedStep) -> str | None:
    match step.body:
        case ResolvedTrain() as train:
            return train.from_step
        case ResolvedEvaluate() | ResolvedExport() | ResolvedDeploy() as body:
            return body.model
        case _:
            return None


def _problem(work: Work, step: ResolvedStep, tuner: Tuner) -> str | None:
    """Say why a step can't use a tuner's adapter, or None."""
    assert work.spec is not None
    suites = work.spec.suites
    match step.body:
        case ResolvedTrain() if not tuner.continues:
            return f"a {tuner.word} adapter can't learn on: PEFT loads it for use only"
        case ResolvedTrain() as train if not tuner.merges and not train.tuner.is_adapter:
            return f"all weights can't go on learning after {tuner.word}: its adapter can't be melted into them"
        case ResolvedExport() as export if not tuner.merges and export.merge:
            return f"a {tuner.word} adapter can't be melted into the base's weights"
        case ResolvedDeploy() if not tuner.engines:
            return f"no engine here can serve a {tuner.word} adapter: its keys and values belong before a server's own"
        case ResolvedEvaluate() as exam if not tuner.merges:
            public = [name for name in exam.suites if is_benchmark(suites.get(name), name)]
            return f"public benchmarks can't load a {tuner.word} adapter" if public else None
        case _:
            return None


_TWO = "{resources: {accelerator: a100-80gb, count: 2}, "
_THEN_ALL = ", align: {train: {tuner: full}}}"


RULES = (
    Rule(
        code="TW3080",
        phase=Phase.TEXT,
        check=_check_strategy,
        why="A tuner that draws or projects whole weights learns something else on shards, or waits for gradients that "
        "never come.",
        bad=_TWO + "steps: {sft: {train: {tuner: lisa, parallelism: ddp}}, align: {train: {tuner: lora}}}}",
        good=_TWO + "steps: {sft: {train: {tuner: lisa, parallelism: single}}, align: {train: {tuner: lora}}}}",
    ),
    Rule(
        code="TW3081",
        phase=Phase.TEXT,
        check=_check_method,
        why="The loss of such a method would be measured against the wrong model, or on shifted tokens.",
        bad="steps: {align: {train: {from: base, tuner: pissa}}}",
        good="steps: {align: {train: {from: base, tuner: lora}}}",
    ),
    Rule(
        code="TW3082",
        phase=Phase.MODEL,
        check=_check_choice,
        why="With nothing chosen nothing would learn, which trainers find out after loading.",
        bad="steps: {sft: {train: {tuner: freeze}}" + _THEN_ALL,
        good="steps: {sft: {train: {tuner: {type: freeze, layers: [-1]}}}" + _THEN_ALL,
    ),
    Rule(
        code="TW3083",
        phase=Phase.MODEL,
        check=_check_blocks,
        why="A block that is not there can't learn.",
        bad="steps: {sft: {train: {tuner: {type: freeze, layers: [99]}}}" + _THEN_ALL,
        good="steps: {sft: {train: {tuner: {type: freeze, layers: [23]}}}" + _THEN_ALL,
    ),
    Rule(
        code="TW3084",
        phase=Phase.TEXT,
        check=_check_settings,
        why="The setting would be silently ignored, or stop the step after loading.",
        bad="steps: {sft: {train: {tuner: galore, optim: sgd}}" + _THEN_ALL,
        good="steps: {sft: {train: {tuner: galore}}" + _THEN_ALL,
    ),
    Rule(
        code="TW3085",
        phase=Phase.TEXT,
        check=_check_use,
        why="What can't be used would be found out after the training.",
        bad="steps: {sft: {train: {tuner: full}}, align: {train: {method: orpo, tuner: bottleneck}}}",
        good="steps: {sft: {train: {tuner: full}}, align: {train: {method: orpo, tuner: lora}}}",
    ),
)
