"""Family 3, second half: processes, sharding, model parallelism."""

from tunewright.compiler.facts.accelerators import ACCELERATOR_NAMES
from tunewright.compiler.ir.resolved import ResolvedStep
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.compiler.targets.megatron import misfits, unavailable
from tunewright.spec.diagnostics import Label
from tunewright.spec.methods import METHODS
from tunewright.spec.source import Span
from tunewright.spec.suggest import listed, nearest, suggestion

_ZERO = ("zero1", "zero2", "zero3")
#: Keys that divide more than rows and states -> the strategies that heed them.
_HEEDED_BY = {
    "tensor_parallel": ("megatron",),
    "pipeline_parallel": ("megatron",),
    "virtual_pipeline_parallel": ("megatron",),
    "context_parallel": ("megatron", "zero3", "fsdp2"),
    "expert_parallel": ("megatron",),
    "sequence_parallel": ("megatron",),
    "data_parallel_replicate": ("fsdp2",),
}


def _span(work: Work, step: ResolvedStep, *keys: str) -> Span:
    return work.value_span("steps", step.name, "train", "parallelism", *keys)


def _divisors(number: int, limit: int = 64) -> str:
    return ", ".join(str(size) for size in range(1, min(number, limit) + 1) if number % size == 0)


def _check_heads(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    for step, train in work.resolved.trains():
        size = train.parallelism.tensor_parallel
        heads, shared = model.num_attention_heads, model.num_key_value_heads
        span = _span(work, step, "tensor_parallel")
        label = (Label(work.value_span("base", "model"), f"has {heads} heads, {shared} key/value heads"),)
        if size > 1 and heads and heads % size:
            work.sink.report(
                "TW3010",
                "tensor_parallel must divide the number of attention heads",
                span,
                f"{size} does not divide {heads}",
                labels=label,
                help=f"use {_divisors(heads)}",
            )
        elif size > 1 and shared and shared % size and size % shared:
            work.sink.report(
                "TW3010",
                "tensor_parallel must divide the number of key/value heads",
                span,
                f"{size} does not divide {shared}",
                labels=label,
                help=f"use {_divisors(shared)}",
            )


def _check_layers(work: Work) -> None:
    assert work.resolved is not None
    layers = machine.base_model(work).num_hidden_layers
    for step, train in work.resolved.trains():
        size = train.parallelism.pipeline_parallel
        if size > 1 and layers and layers % size:
            work.sink.report(
                "TW3011",
                "pipeline_parallel must divide the number of layers",
                _span(work, step, "pipeline_parallel"),
                f"{size} does not divide {layers}",
                labels=(Label(work.value_span("base", "model"), f"has {layers} layers"),),
                help=f"use {_divisors(layers)}",
            )


def _check_experts(work: Work) -> None:
    assert work.resolved is not None
    model = machine.base_model(work)
    for step, train in work.resolved.trains():
        size = train.parallelism.expert_parallel
        if size > 1 and model.hidden_size and not model.num_experts:
            work.sink.report(
                "TW3012",
                "expert_parallel needs a model with experts",
                _span(work, step, "expert_parallel"),
                labels=(Label(work.value_span("base", "model"), "has none"),),
                help="remove `expert_parallel`",
            )
        elif size > 1 and model.num_experts % size:
            work.sink.report(
                "TW3012",
                "expert_parallel must divide the number of experts",
                _span(work, step, "expert_parallel"),
                f"{size} does not divide {model.num_experts}",
                help=f"use {_divisors(model.num_experts)}",
            )


def _check_world(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        parallelism = train.parallelism
        product = parallelism.tensor_parallel * parallelism.pipeline_parallel * parallelism.context_parallel
        indivisible = parallelism.processes % product != 0
        if (
            parallelism.strategy == "megatron"
            and indivisible
            and not work.is_faulty("steps", step.name, "train", "parallelism")
        ):
            work.sink.report(
                "TW3013",
                f"{parallelism.processes} processes can't be divided into groups of {product}",
                _span(work, step),
                f"tensor {parallelism.tensor_parallel} x pipeline {parallelism.pipeline_parallel} x context "
                f"{parallelism.context_parallel}",
                help=f"use a number of processes that {product} divides, or smaller groups",
            )


def _check_misfits(work: Work) -> None:
    """What no other rule of this family points at already; Megatron asserts it once all processes are up."""
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if train.parallelism.strategy != "megatron" or work.is_faulty("steps", step.name, "train", "parallelism"):
            continue
        for key, reason in misfits(train, machine.base_model(work)):
            if work.spec is not None and work.is_poisoned("steps", step.name, "train", "parallelism", key):
                continue
            work.sink.report(
                "TW3028",
                f"`{key}` does not fit: {reason}",
                _span(work, step, key),
                help=f"change `{key}`, or leave `parallelism` to the compiler",
            )
            break


def _check_unavailable(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if train.parallelism.strategy != "megatron":
            continue
        for key, reason in unavailable(train, machine.base_model(work)):
            if not work.is_faulty("steps", step.name, "train", key):
                work.sink.report(
                    "TW3038",
                    f"`{key}` is beyond the strategy `megatron`: {reason}",
                    work.value_span("steps", step.name, "train", key),
                    help="use `zero3` or `fsdp2`, or change it",
                )


def _check_model_parallel(work: Work) -> None:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        written = step.train.parallelism if step.train else None
        if written is None:
            continue
        keys = [
            key
            for key, strategies in _HEEDED_BY.items()
            if getattr(written, key) not in (None, False, 1) and written.strategy not in strategies
        ]
        if keys:
            spans = [work.key_span("steps", name, "train", "parallelism", key) for key in keys]
            needed = _HEEDED_BY[keys[0]]
            work.sink.report(
                "TW3014",
                f"`{keys[0]}` needs the strategy {' or '.join(f'`{item}`' for item in needed)}",
                spans[0],
                labels=tuple(Label(span, "this too") for span in spans[1:]),
                help=f"set `strategy: {needed[0]}`, or remove {listed(f'`{key}`' for key in keys)}",
            )
        elif written.strategy == "megatron" and written.sequence_parallel and (written.tensor_parallel or 1) == 1:
            work.sink.report(
                "TW3015",
                "sequence_parallel does nothing without tensor_parallel",
                work.key_span("steps", name, "train", "parallelism", "sequence_parallel"),
                help="set `tensor_parallel: 2` or more, or remove `sequence_parallel`",
            )


def _check_offload(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        parallelism = train.parallelism
        alone = "offload_parameters" if parallelism.offload_parameters != "none" else "offload_optimizer"
        if (
            parallelism.strategy != "zero3"
            and parallelism.offloads
            and (alone == "offload_parameters" or "nvme" in parallelism.offloads)
        ):
            work.sink.report(
                "TW3016",
                f"`{alone}: {getattr(parallelism, alone)}` needs the strategy `zero3`",
                _span(work, step, alone),
                help="set `strategy: zero3`, or remove it",
            )
        elif parallelism.offload_optimizer == "cpu" and parallelism.strategy not in ("zero2", "zero3"):
            work.sink.report(
                "TW3016",
                "offload_optimizer needs `zero2` or `zero3`",
                _span(work, step, "offload_optimizer"),
                help="set `strategy: zero2`, or remove it",
            )


def _check_processes(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    hardware = work.facts.hardware
    there = (hardware.accelerator.count if hardware.accelerator else hardware.cpu_cores) * hardware.nodes
    what = "accelerators" if hardware.accelerator else "cpu cores"
    for step, train in work.resolved.trains():
        parallelism = train.parallelism
        span = _span(work, step, "processes")
        if parallelism.processes > there:
            work.sink.report(
                "TW3017", f"{parallelism.processes} processes on {there} {what}", span, help=f"use at most {there}"
            )
        elif parallelism.strategy == "single" and parallelism.processes > 1:
            work.sink.report(
                "TW3017",
                f"`single` is one process, not {parallelism.processes}",
                span,
                help="use `ddp`, or remove `processes`",
            )


def _check_quantized_megatron(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if train.parallelism.strategy == "megatron" and not METHODS[train.method].on_megatron:
            work.sink.report(
                "TW3019",
                f"{train.method} is not available with megatron",
                _span(work, step),
                help="use `zero3` or `fsdp2`",
            )


def _check_experts_zero3(work: Work) -> None:
    assert work.spec is not None
    assert work.resolved is not None
    model = machine.base_model(work)
    for step, _ in work.resolved.trains():
        written = work.spec.steps[step.name].train
        chosen = written.parallelism.strategy if written and written.parallelism else None
        if model.num_experts and chosen == "zero3":
            work.sink.report(
                "TW3033",
                "ZeRO-3 gathers every expert for every token",
                _span(work, step),
                labels=(Label(work.value_span("base", "model"), f"{model.num_experts} experts"),),
                help="use `megatron` with `expert_parallel`, or `zero2` where it fits",
            )


def _check_accelerator(work: Work) -> None:
    assert work.spec is not None
    resources = work.spec.resources
    if resources is None or work.is_poisoned("resources") or resources.accelerator.lower() in ACCELERATOR_NAMES:
        return
    near = nearest(resources.accelerator, ACCELERATOR_NAMES)
    work.sink.report(
        "TW8001",
        f"unknown accelerator `{resources.accelerator}`",
        work.value_span("resources", "accelerator"),
        help=suggestion(near, f"known: {listed(ACCELERATOR_NAMES, 40)}"),
    )


_MEGATRON = (
    "resources: {accelerator: a100-80gb, count: 8}, base: {model: "
    "'hf://meta-llama/Llama-3.1-8B-Instruct@0e9e39f249a16976918f6564b8830bc894c89659'}"
)

RULES = (
    Rule(
        code="TW3010",
        phase=Phase.MODEL,
        check=_check_heads,
        why="Each rank must hold whole attention heads; engines assert it after the processes have started.",
        bad="{" + _MEGATRON + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 3}}}}}",
        good="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 4, pipeline_parallel: 2}}}}}",
    ),
    Rule(
        code="TW3011",
        phase=Phase.MODEL,
        check=_check_layers,
        why="Each pipeline stage holds whole layers.",
        bad="{" + _MEGATRON + ", steps: {sft: {train: {parallelism: {strategy: megatron, pipeline_parallel: 3}}}}}",
        good="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 4, pipeline_parallel: 2}}}}}",
    ),
    Rule(
        code="TW3012",
        phase=Phase.MODEL,
        check=_check_experts,
        why="Each rank holds whole experts.",
        bad="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 4, expert_parallel: 2}}}}}",
        good="{" + _MEGATRON + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 8}}}}}",
    ),
    Rule(
        code="TW3013",
        phase=Phase.HARDWARE,
        follows=(
            "resources",
            "steps.@.train.parallelism",
        ),
        check=_check_world,
        why="Every process belongs to exactly one group; some frameworks round down and leave accelerators idle.",
        bad="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, processes: 6, tensor_parallel: 4}}}}}",
        good="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, processes: 8, tensor_parallel: 8}}}}}",
    ),
    Rule(
        code="TW3014",
        phase=Phase.TEXT,
        follows=("steps.@.train.parallelism.strategy",),
        check=_check_model_parallel,
        resolved=False,
        why="Only Megatron splits layers; elsewhere the setting would be silently ignored.",
        bad="steps: {sft: {train: {parallelism: {strategy: ddp, tensor_parallel: 2}}}}",
        good="steps: {sft: {train: {parallelism: {strategy: ddp, processes: 2}}}}",
    ),
    Rule(
        code="TW3015",
        phase=Phase.TEXT,
        follows=("steps.@.train.parallelism.tensor_parallel",),
        why="Sequence parallelism splits what a tensor-parallel group would hold twice; alone it is dropped "
        "without a word elsewhere.",
        bad="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, pipeline_parallel: 8, sequence_parallel: "
        "true}}}}}",
        good="{"
        + _MEGATRON
        + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 8, sequence_parallel: true}}}}}",
    ),
    Rule(
        code="TW3016",
        phase=Phase.TEXT,
        follows=("steps.@.train.parallelism.strategy",),
        check=_check_offload,
        why="Only a sharded strategy can move its shards to the host.",
        bad="steps: {sft: {train: {parallelism: {strategy: ddp, processes: 2, offload_optimizer: cpu}}}}",
        good="steps: {sft: {train: {parallelism: {strategy: zero2, processes: 2, offload_optimizer: cpu}}}}",
    ),
    Rule(
        code="TW3017",
        phase=Phase.HARDWARE,
        check=_check_processes,
        why="Two processes on one accelerator fight for its memory.",
        bad="steps: {sft: {train: {parallelism: {strategy: ddp, processes: 4096}}}}",
        good="steps: {sft: {train: {parallelism: {strategy: ddp, processes: 2}}}}",
    ),
    Rule(
        code="TW3019",
        phase=Phase.TEXT,
        check=_check_quantized_megatron,
        why="The Megatron path knows the loss of SFT only: another method would silently be trained as that.",
        bad="{"
        + _MEGATRON
        + ", steps: {align: {train: {method: orpo, parallelism: {strategy: megatron, tensor_parallel: 8}}}}}",
        good="{"
        + _MEGATRON
        + ", steps: {sft: {train: {method: sft, parallelism: {strategy: megatron, tensor_parallel: 8}}}}}",
    ),
    Rule(
        code="TW3033",
        phase=Phase.MODEL,
        check=_check_experts_zero3,
        why="All experts travel over the wire for each layer: steps become many times slower.",
        bad="{resources: {accelerator: h100-80gb, count: 8}, base: {model: "
        "'hf://Qwen/Qwen3-30B-A3B@ae659febe817e4b3ebd7355f47792725801204c9'}, steps: {sft: {train: "
        "{parallelism: {strategy: zero3, processes: 8}}}}}",
        good="{resources: {accelerator: h100-80gb, count: 8}, base: {model: "
        "'hf://Qwen/Qwen3-30B-A3B@ae659febe817e4b3ebd7355f47792725801204c9'}, steps: {sft: {train: "
        "{parallelism: {strategy: zero2, processes: 8}}}}}",
    ),
    Rule(
        code="TW8001",
        phase=Phase.HARDWARE,
        check=_check_accelerator,
        resolved=False,
        why="Memory and number formats follow from the accelerator's name.",
        bad="resources: {accelerator: a100-80g}",
        good="resources: {accelerator: a100-80gb}",
    ),
    Rule(
        code="TW3028",
        phase=Phase.MODEL,
        follows=(
            "resources",
            "base.model",
            "steps.@.train.parallelism",
        ),
        check=_check_misfits,
        why="What the layout splits must come out even everywhere; Megatron asserts it once every process is up.",
        bad="{"
        + _MEGATRON
        + ", steps: {sft: {train: {max_length: 1002, parallelism: {strategy: megatron, tensor_parallel: 2, "
        "context_parallel: 4}}}}}",
        good="{"
        + _MEGATRON
        + ", steps: {sft: {train: {max_length: 1024, parallelism: {strategy: megatron, tensor_parallel: 8}}}}}",
    ),
    Rule(
        code="TW3038",
        phase=Phase.MODEL,
        check=_check_unavailable,
        why="A runner must not drop a setting without a word: what the Megatron path does not have is refused here.",
        bad="{"
        + _MEGATRON
        + ", steps: {sft: {train: {neftune_noise_alpha: 5, parallelism: {strategy: megatron, tensor_parallel: 8}}}}}",
        good="{" + _MEGATRON + ", steps: {sft: {train: {parallelism: {strategy: megatron, tensor_parallel: 8}}}}}",
    ),
)
