"""lower_train: training steps -> plan steps with the exact command line, environment and engine settings."""

import json
from dataclasses import fields, replace
from typing import Any

from tunewright.compiler.estimate.parameters import has_shape
from tunewright.compiler.estimate.savings import with_savings
from tunewright.compiler.estimate.storage import largest_parameter
from tunewright.compiler.facts.kernels import KERNELS
from tunewright.compiler.facts.kinds import KINDS, missing
from tunewright.compiler.ir.plan import Process, Step, StepInput, plain
from tunewright.compiler.ir.resolved import ResolvedStep, ResolvedTrain, ResolvedTuner
from tunewright.compiler.passes import lowering, machine
from tunewright.compiler.passes.secrets import secret_name
from tunewright.compiler.passes.training_data import tokenizes_ahead, training_data
from tunewright.compiler.passes.work import Work
from tunewright.compiler.targets.deepspeed import deepspeed_prepare, deepspeed_settings
from tunewright.compiler.targets.environment import bitwise_environment
from tunewright.compiler.targets.fsdp import accelerate_settings
from tunewright.compiler.targets.megatron import megatron_arguments
from tunewright.compiler.targets.torchrun import launch_argv
from tunewright.spec.determinism import BITWISE
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS

_ZERO = ("zero1", "zero2", "zero3")
#: What `train.trl` is told of its processes; all else stands in the engine's own files.
_DIVISION = (
    "strategy", "processes", "offload_optimizer", "offload_parameters", "data_parallel_replicate", "context_parallel",
)  # fmt: skip


def lower_train(work: Work) -> Work:
    """Add the plan steps of all training steps."""
    if work.resolved is None:
        return work
    return replace(work, steps=(*work.steps, *(_lower(work, step, train) for step, train in work.resolved.trains())))


def _lower(work: Work, step: ResolvedStep, train: ResolvedTrain) -> Step:
    assert work.spec is not None
    assert work.facts is not None
    kind = "train.megatron" if train.parallelism.strategy == "megatron" else "train.trl"
    inputs = lowering.model_inputs(work, train.from_step or "base")
    written_train = work.spec.steps[step.name].train
    for path, model in written_train.other_models() if written_train else ():
        inputs |= lowering.other_model_inputs(work, ".".join(str(part) for part in path[:-1]) or str(path[0]), model)
    data = training_data(work, train)
    ahead = tokenizes_ahead(train)
    inputs |= {"tokens": StepInput(role="data", step=lowering.tokens_name(step.name))} if ahead else data.inputs
    for sink, settings in train.report_to.items():
        if secret := secret_name(str(settings.get("token"))):
            inputs[f"secret.{sink}"] = StepInput(role="secret", path=secret)
    parameters = train_parameters(train) | {"data": data.parameters}
    sets = [work.facts.data[name] for name in train.data]
    estimate = with_savings(step.estimate, train, machine.base_model(work), work.facts.hardware, sets)
    return lowering.made(
        work,
        replace(step, estimate=estimate),
        kind=kind,
        summary=_summary(train),
        inputs=inputs,
        parameters=parameters,
        launch=lowering.launch(
            kind,
            launch_argv(train.parallelism, KINDS[kind].module),
            device=train.device,
            threads=_threads(train),
            files=_files(work, train),
            prepare=_prepare(train),
            parallelism=train.parallelism,
            more=bitwise_environment(train.device) if train.determinism == BITWISE else {},
        ),
        identity={
            **lowering.identity_of(f"steps.{step.name}.train", train),
            **_watch_identity(f"steps.{step.name}.train.watch", train),
            **({} if ahead else data.identity),
            **lowering.plug_in_identity(work, "loss", [str(train.options.get("loss") or "")]),
            **lowering.plug_in_identity(work, "reward", _reward_names(train)),
            **lowering.environment_identity(work, kind),
        },
        needs=lowering.upstream_identity(inputs),
        not_executable=lowering.not_executable(missing(kind), *_unsupported(work, train)),
    )


def _reward_names(train: ResolvedTrain) -> list[str | None]:
    rewards = train.options.get("rewards")
    return [reward.get("name") for reward in rewards] if isinstance(rewards, tuple) else []


def _watch_identity(path: str, train: ResolvedTrain) -> dict[str, Any]:
    """A watch that warns, pauses or stops changes no result that comes to be; one that goes back does."""
    watch = train.watch
    values = {item.name: getattr(watch, item.name) for item in fields(watch)}
    heeded = {name: value for name, value in values.items() if not isinstance(value, str)} if watch.rolls_back else {}
    return {f"{path}.{name}": value for name, value in heeded.items()} | {
        f"{path}.{name}": values[name] for name in watch.rolls_back
    }


def train_parameters(train: ResolvedTrain) -> dict[str, Any]:
    """Return the parameters of a training step, but for its data."""
    body: dict[str, Any] = plain(train)
    del body["from_step"]
    body["tokenize"] = "ahead" if tokenizes_ahead(train) else "inside"
    if train.parallelism.strategy == "megatron":
        for key in ("reason", "alternatives"):
            del body["parallelism"][key]
    else:
        body["parallelism"] = {key: getattr(train.parallelism, key) for key in _DIVISION}
    body["tuner"] = _tuner_parameters(train.tuner)
    body["threads"] = _threads(train)
    body["report_to"] = {
        sink: {key: value for key, value in settings.items() if key != "token"}
        for sink, settings in train.report_to.items()
    }
    return body


def _tuner_parameters(tuner: ResolvedTuner) -> dict[str, Any]:
    body: dict[str, Any] = {"type": tuner.type}
    for key in TUNERS[tuner.type].form:
        value = getattr(tuner, key)
        body[key] = "all-linear" if value == ("all-linear",) else value
    return body | ({"options": dict(tuner.options)} if tuner.options else {})


def _threads(train: ResolvedTrain) -> int:
    """The cores are shared by the processes of one machine."""
    return max(1, train.threads // train.parallelism.processes_per_node)


def _files(work: Work, train: ResolvedTrain) -> dict[str, str]:
    model, files = machine.base_model(work), dict[str, Any]()
    if train.parallelism.strategy in _ZERO:
        files["deepspeed.json"] = deepspeed_settings(train, largest=largest_parameter(model) if has_shape(model) else 0)
    if train.parallelism.strategy == "megatron":
        files["megatron.json"] = megatron_arguments(train, model)
    if groups := accelerate_settings(train):
        files["accelerate.json"] = groups
    return {name: json.dumps(content, indent=2, sort_keys=True) + "\n" for name, content in files.items()}


def _prepare(train: ResolvedTrain) -> tuple[Process, ...]:
    return deepspeed_prepare(train) if train.parallelism.strategy in _ZERO else ()


def _unsupported(work: Work, train: ResolvedTrain) -> list[str | None]:
    assert work.facts is not None
    assert work.spec is not None
    return [
        lowering.unreadable_base(work),
        KERNELS[train.kernels].lacks,
        *(lowering.unknown_format(work, name) for name in train.data),
        _head_on_images(work, train),
        f"training on {train.device} devices is not built yet" if train.device in ("npu", "mps") else None,
        "work on several machines is not built yet" if train.parallelism.nodes > 1 else None,
    ]


def _head_on_images(work: Work, train: ResolvedTrain) -> str | None:
    makes = METHODS[train.method].makes
    if makes == "text" or not machine.base_model(work).vision:
        return None
    return f"learning to answer with a {makes} on a model that sees images is not built yet"


def _summary(train: ResolvedTrain) -> str:
    parallelism = train.parallelism
    processes = (
        "1 process"
        if parallelism.processes <= 1
        else f"{parallelism.processes} processes, {_STRATEGY_WORDS[parallelism.strategy]}"
    )
    if parallelism.strategy == "megatron":
        sizes = (
            ("TP", parallelism.tensor_parallel),
            ("PP", parallelism.pipeline_parallel),
            ("VP", parallelism.virtual_pipeline_parallel),
            ("CP", parallelism.context_parallel),
            ("EP", parallelism.expert_parallel),
        )
        processes += "".join(f" {name} {size}" for name, size in sizes if size > 1)
    else:
        parts = (("replicas", parallelism.data_parallel_replicate), ("CP", parallelism.context_parallel))
        processes += "".join(f" {name} {size}" for name, size in parts if size > 1)
    processes += "".join(f" + {_OFFLOAD_WORDS[where]} offload" for where in sorted(parallelism.offloads))
    tuner = TUNERS[train.tuner.type].word + (f" r{train.tuner.rank}" if train.tuner.rank else "")
    beta = f" beta {train.options['beta']:g}" if "beta" in train.options else ""
    method = f"{METHODS[train.method].word}{beta}, " if METHODS[train.method].word else ""
    return f"{processes}, {method}{tuner}, {train.precision}"


_OFFLOAD_WORDS = {"cpu": "CPU", "nvme": "NVMe"}
_STRATEGY_WORDS = {
    "single": "",
    "ddp": "DDP",
    "zero1": "ZeRO-1",
    "zero2": "ZeRO-2",
    "zero3": "ZeRO-3",
    "fsdp2": "FSDP2",
    "megatron": "Megatron",
}
