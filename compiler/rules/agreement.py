"""Families 3, 4 and 6: what training, exam and service must have in common, and what exams need to start."""

from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.ir.resolved import ResolvedDeploy, ResolvedEvaluate, ResolvedExport, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label


def _learned_prompt(work: Work, name: str) -> tuple[str, str] | None:
    """Return (step, system prompt) of the training that a step's model came from last; None without one."""
    assert work.resolved is not None
    current: str | None = name
    while current and (step := work.resolved.step(current)):
        if isinstance(step.body, ResolvedTrain):
            return (step.name, step.body.system_prompt) if step.body.system_prompt else None
        current = step.body.model if isinstance(step.body, ResolvedExport) else None
    return None


def _check_system_prompts(work: Work) -> None:
    assert work.resolved is not None
    for step in work.resolved.steps:
        body = step.body
        if not isinstance(body, ResolvedEvaluate | ResolvedDeploy):
            continue
        learned = _learned_prompt(work, body.model)
        if learned is None or learned[1] == body.system_prompt:
            continue
        code, does = ("TW4010", "asks") if isinstance(body, ResolvedEvaluate) else ("TW6014", "serves")
        how = "with another system prompt than" if body.system_prompt else "without the system prompt that"
        work.sink.report(
            code,
            f"`{step.name}` {does} {how} `{learned[0]}` learned with",
            work.value_span("steps", step.name, step.verb, "system_prompt")
            if body.system_prompt
            else work.key_span("steps", step.name),
            labels=(Label(work.value_span("steps", learned[0], "train", "system_prompt"), "learned with"),),
            help="write the same `system_prompt` in both",
        )


def _check_benchmark_data(work: Work) -> None:
    assert work.spec is not None
    reported: set[str] = set()
    for step, exam in work.spec.steps.items():
        for index, name in enumerate(exam.evaluate.suites if exam.evaluate else ()):
            suite = work.spec.suites.get(name)
            public = suite.benchmark in BENCHMARKS if suite else name in BENCHMARKS
            if not public or (suite and suite.data) or name in reported:
                continue
            reported.add(name)
            work.sink.report(
                "TW4011",
                f"the data of benchmark `{name}` is not here",
                work.value_span("steps", step, "evaluate", "suites", index),
                help=f"benchmarks run offline: `suites: {{{name}: {{benchmark: "
                f'{(suite.benchmark if suite else None) or name}, data: "dir:..."}}}}`',
            )


def _check_packed_recurrence(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    if not model.recurrent:
        return
    for step, train in work.resolved.trains():
        if train.packing and train.options["packing_strategy"] != "wrapped":
            work.sink.report(
                "TW3035",
                "packed rows would see each other through this model's recurrent layers",
                work.value_span("steps", step.name, "train", "packing"),
                labels=(Label(work.value_span("base", "model"), f"a {model.model_type} model"),),
                help="remove `packing`",
            )


def _check_stop(work: Work) -> None:
    assert work.spec is not None
    assert work.resolved is not None
    model = machine.base_model(work)
    if model.unstopped_turn is None or not work.resolved.trains():
        return
    work.sink.report(
        "TW2027",
        f"the chat template ends a turn with `{model.unstopped_turn}`, but this model does not stop there",
        work.value_span("base", "model"),
        "replies would go on without end",
        help="start from the instruct variant, or add that token's id to `eos_token_id` in generation_config.json",
    )


def _check_family(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    family = model.family
    for step in work.resolved.steps:
        if family is None or not isinstance(step.body, ResolvedDeploy) or step.body.engine in family.engines:
            continue
        work.sink.report(
            "TW6017",
            f"the {step.body.engine} engine does not know {model.model_type} models",
            work.value_span("steps", step.name, "deploy", "engine"),
            labels=(Label(work.value_span("base", "model"), f"a {model.model_type} model"),),
            help=f"use {' or '.join(f'`{engine}`' for engine in family.engines)}",
        )


_ASSISTANT = "system_prompt: Answer in one word."

RULES = (
    Rule(
        code="TW4010",
        phase=Phase.TEXT,
        check=_check_system_prompts,
        why="A model that learned under one system prompt is another model under another: the exam measures that one.",
        bad="steps: {align: {train: {" + _ASSISTANT + "}}, serve: {deploy: {" + _ASSISTANT + "}}}",
        good="steps: {align: {train: {"
        + _ASSISTANT
        + "}}, exam: {evaluate: {"
        + _ASSISTANT
        + "}}, serve: {deploy: {"
        + _ASSISTANT
        + "}}}",
    ),
    Rule(
        code="TW6014",
        phase=Phase.TEXT,
        why="The most frequent reason why served answers differ from what training showed.",
        bad="steps: {align: {train: {" + _ASSISTANT + "}}, exam: {evaluate: {" + _ASSISTANT + "}}}",
        good="steps: {align: {train: {"
        + _ASSISTANT
        + "}}, exam: {evaluate: {"
        + _ASSISTANT
        + "}}, serve: {deploy: {"
        + _ASSISTANT
        + "}}}",
    ),
    Rule(
        code="TW4011",
        phase=Phase.TEXT,
        check=_check_benchmark_data,
        resolved=False,
        why="Benchmarks are measured without a network; one whose questions are elsewhere can't run.",
        bad="steps: {exam: {evaluate: {suites: mmlu}}, good: {gate: {require: exam.mmlu.accuracy >= 0.5}}}",
        good="{suites: {mmlu: {benchmark: mmlu, data: 'dir:questions'}}, steps: {exam: {evaluate: {suites: mmlu}}, "
        "good: {gate: {require: exam.mmlu.accuracy >= 0.5}}}}",
    ),
    Rule(
        code="TW3035",
        phase=Phase.MODEL,
        check=_check_packed_recurrence,
        why="Recurrent layers carry their state over the seam between two packed rows.",
        bad='{base: {model: "dir:recurrent-model"}, resources: {accelerator: a100-80gb}, steps: {sft: {train: '
        "{packing: true, attention: flash_attention_2}}}}",
        good='{base: {model: "dir:recurrent-model"}, resources: {accelerator: a100-80gb}, steps: {sft: {train: '
        "{packing: false}}}}",
    ),
    Rule(
        code="TW2027",
        phase=Phase.MODEL,
        check=_check_stop,
        why="A model that learns to end its turn with one token and is stopped at another talks on until it is cut.",
        bad='base: {model: "dir:endless-model"}',
        good='base: {model: "dir:chat-model"}',
    ),
    Rule(
        code="TW6017",
        phase=Phase.MODEL,
        check=_check_family,
        why="An engine without the model's architecture stops when it starts, after the training.",
        bad='{base: {model: "dir:falcon-model"}, resources: {accelerator: a100-80gb}, '
        "steps: {serve: {deploy: {engine: lmdeploy}}}}",
        good='{base: {model: "dir:falcon-model"}, resources: {accelerator: a100-80gb}, '
        "steps: {serve: {deploy: {engine: vllm}}}}",
    ),
)
