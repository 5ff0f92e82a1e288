"""Family 3: sequences in parts, copies of shards, and states on a local disk, for `train.trl`."""

from pathlib import PurePath

from tunewright.compiler.ir.resolved import ResolvedStep
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.compiler.targets.fsdp import OWN_SHARDING_DEVICES
from tunewright.compiler.targets.sequences import divides_sequences, sequence_misfits
from tunewright.spec.source import Span

_GB = 10**9


def _span(work: Work, step: ResolvedStep, *keys: str) -> Span:
    return work.value_span("steps", step.name, "train", "parallelism", *keys)


def _check_sequences(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if not divides_sequences(train) or work.is_faulty("steps", step.name, "train", "parallelism"):
            continue
        for path, reason in sequence_misfits(train, machine.base_model(work)):
            work.sink.report(
                "TW3061",
                f"sequences can't be divided here: {reason}",
                work.value_span("steps", step.name, "train", *path),
                help="change it, or remove `context_parallel`",
            )
            break


def _check_replicas(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        layout = train.parallelism
        copies = layout.data_parallel_replicate
        if copies == 1 or layout.strategy != "fsdp2":
            continue
        span = _span(work, step, "data_parallel_replicate")
        if layout.processes % copies or layout.processes // copies < 2:
            work.sink.report(
                "TW3062",
                f"{layout.processes} processes can't be {copies} copies of two shards or more",
                span,
                help="let it divide `processes` and leave two or more for each copy; for whole copies use `ddp`",
            )
        elif train.device in OWN_SHARDING_DEVICES and train.tuner.is_adapter:
            work.sink.report(
                "TW3062",
                "on processors adapters don't learn beside shards that are copied",
                span,
                help="remove `data_parallel_replicate`, or let all weights learn",
            )


def _check_place(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        layout = train.parallelism
        if "nvme" in layout.offloads and layout.nvme_path is None:
            key = "offload_optimizer" if layout.offload_optimizer == "nvme" else "offload_parameters"
            work.sink.report(
                "TW3063",
                f"`{key}: nvme` does not say where",
                _span(work, step, key),
                help="add `nvme_path`, a folder on a fast local disk",
            )
        elif layout.nvme_path is not None and "nvme" not in layout.offloads:
            work.sink.report(
                "TW3063",
                "`nvme_path` is not used: nothing is kept on `nvme`",
                _span(work, step, "nvme_path"),
                help="set `offload_optimizer: nvme`, or remove it",
            )
        elif layout.nvme_path is not None and not PurePath(layout.nvme_path).is_absolute():
            work.sink.report(
                "TW3063",
                "`nvme_path` must begin with `/`: runners start in a folder of their own",
                _span(work, step, "nvme_path"),
                help="write the whole path",
            )


def _check_room(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    there = work.facts.hardware.scratch_free_bytes
    for step, train in work.resolved.trains():
        folder = train.parallelism.nvme_path
        if folder is None or folder not in there or "nvme" not in train.parallelism.offloads:
            continue
        free = there[folder]
        needed = sum(size for name, size in step.estimate.breakdown.items() if name.startswith("nvme "))
        if free is None:
            problem, remedy = "there is no folder here that can be written", "make it, or name another one"
        elif needed > free:
            problem = f"{needed / _GB:.0f} GB go to it and {free / _GB:.0f} GB are free"
            remedy = "free space, or use more machines: each keeps its share"
        else:
            continue
        work.sink.report("TW3064", problem, _span(work, step, "nvme_path"), help=remedy)


_EIGHT = (
    "resources: {accelerator: h100-80gb, count: 8}, base: {model: "
    "'hf://meta-llama/Llama-3.1-8B-Instruct@0e9e39f249a16976918f6564b8830bc894c89659'}"
)


def _eight(keys: str) -> str:
    """Return an example: one step on eight accelerators."""
    return f"{{{_EIGHT}, steps: {{sft: {{train: {{{keys}}}}}}}}}"


RULES = (
    Rule(
        code="TW3061",
        phase=Phase.MODEL,
        follows=("resources", "base.model", "steps.@.train.parallelism"),
        check=_check_sequences,
        why="The libraries assert it once every process holds its weights, or compute another loss without a word.",
        bad=_eight("parallelism: {strategy: zero3, context_parallel: 8}, attention: eager"),
        good=_eight("parallelism: {strategy: zero3, context_parallel: 8}, attention: sdpa"),
    ),
    Rule(
        code="TW3062",
        phase=Phase.HARDWARE,
        follows=("resources", "steps.@.train.parallelism"),
        check=_check_replicas,
        why="Every process holds one shard of one copy.",
        bad=_eight("parallelism: {strategy: fsdp2, data_parallel_replicate: 3}"),
        good=_eight("parallelism: {strategy: fsdp2, data_parallel_replicate: 2}"),
    ),
    Rule(
        code="TW3063",
        phase=Phase.TEXT,
        follows=("steps.@.train.parallelism.strategy",),
        check=_check_place,
        why="Only whoever runs the machine knows which disk is fast and may be worn.",
        bad=_eight("parallelism: {strategy: zero3, offload_optimizer: nvme}"),
        good=_eight("parallelism: {strategy: zero3, offload_optimizer: nvme, nvme_path: /scratch}"),
    ),
    Rule(
        code="TW3064",
        phase=Phase.MACHINE,
        follows=("resources", "steps.@.train.parallelism"),
        check=_check_room,
        why="The disk would fill after the weights were loaded, and every process would wait for one that is gone.",
        bad=(
            "# nothing can be written to /scratch\n"
            "steps: {sft: {train: {parallelism: {strategy: zero3, processes: 2, offload_optimizer: nvme, "
            "nvme_path: /scratch}}}}\n"
        ),
        good=(
            "# 500 GB are free in /scratch\n"
            "steps: {sft: {train: {parallelism: {strategy: zero3, processes: 2, offload_optimizer: nvme, "
            "nvme_path: /scratch}}}}\n"
        ),
    ),
)
