"""Families 3 and 6: what fits: memory of accelerators and of the host, room on the disk, accelerators left over."""

from tunewright.compiler.ir.facts import DataFacts
from tunewright.compiler.ir.plan import Estimate
from tunewright.compiler.ir.resolved import ResolvedDeploy, ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.render.quantities import size
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label

_GB = 1e9
_SAID_WHOLE = 3e9
#: Rows that an optimizer step usually takes: with fewer for each accelerator, spreading gains nothing.
_ROWS_A_STEP = 16


def _amount(count: float) -> str:
    """Estimates are no better than whole gigabytes; below some of them that would say nothing."""
    return f"{count / _GB:.0f} GB" if count >= _SAID_WHOLE else size(count)


def _check_memory(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        estimate = step.estimate
        if (
            estimate.memory_bytes is None
            or estimate.capacity_bytes is None
            or estimate.memory_bytes <= estimate.capacity_bytes
        ):
            continue
        if any(work.is_faulty("steps", name) for name in _lineage(work, step)):
            continue
        where = "accelerator" if train.device != "cpu" else "machine"
        work.sink.report(
            "TW3018",
            f"`{step.name}` needs about {_amount(estimate.memory_bytes)} but the {where} has "
            f"{_amount(estimate.capacity_bytes)}",
            work.key_span("steps", step.name),
            labels=(Label(work.value_span("base", "model"), _parameters_text(work)),),
            help=_memory_help(train),
            notes=(_breakdown(estimate),),
        )


def _lineage(work: Work, step: ResolvedStep) -> tuple[str, ...]:
    """Return a training step and those it goes on from, whose settings it takes over."""
    assert work.resolved is not None
    names = [step.name]
    body = step.body
    while isinstance(body, ResolvedTrain) and body.from_step and (before := work.resolved.step(body.from_step)):
        names.append(before.name)
        body = before.body
    return tuple(names)


def _parameters_text(work: Work) -> str:
    count = machine.base_model(work).num_parameters
    return f"{count / 1e9:.1f} billion parameters" if count else ""


def _memory_help(train: ResolvedTrain) -> str:
    ways = []
    if train.per_device_train_batch_size > 1:
        ways.append("`per_device_train_batch_size: 1` with more `gradient_accumulation_steps`")
    if not train.gradient_checkpointing:
        ways.append("`gradient_checkpointing: true`")
    if train.tuner.type == "full":
        ways.append("`tuner: lora`")
    elif train.tuner.type != "qlora":
        ways.append("`tuner: qlora`")
    if train.max_length > 1024:
        ways.append(f"`max_length: {train.max_length // 2}`")
    if (
        train.parallelism.strategy not in ("zero3", "fsdp2", "megatron")
        and train.device != "cpu"
        and train.tuner.type != "qlora"
    ):
        ways.append("`parallelism: zero3`")
    return "try " + ", or ".join(ways[:3]) if ways else "use more or larger accelerators"


def _breakdown(estimate: Estimate) -> str:
    parts = sorted(estimate.breakdown.items(), key=lambda item: -item[1])[:4]
    return "largest parts: " + ", ".join(f"{name} {part / _GB:.1f} GB" for name, part in parts)


def _check_disk(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    free = work.facts.hardware.disk_free_bytes
    needed = sum(step.estimate.disk_bytes or 0 for step in work.resolved.steps)
    if free is not None and not work.facts.hardware.stated and needed > free:
        work.sink.report(
            "TW3027",
            f"the steps write about {_amount(needed)} but {_amount(free)} are free",
            work.key_span("steps"),
            help="free space, set TUNEWRIGHT_HOME to a bigger disk, or lower `save_total_limit`",
        )


def _check_serving_memory(work: Work) -> None:
    assert work.resolved is not None
    for step in work.resolved.steps:
        estimate, deploy = step.estimate, step.body
        if (
            not isinstance(deploy, ResolvedDeploy)
            or estimate.memory_bytes is None
            or estimate.capacity_bytes is None
            or estimate.memory_bytes <= estimate.capacity_bytes
            or any(item.code in ("TW3018", "TW6005", "TW6007", "TW6012") for item in work.sink)
        ):
            continue
        where = "machine" if deploy.device == "cpu" else "accelerator"
        work.sink.report(
            "TW6013",
            f"`{step.name}` needs about {_amount(estimate.memory_bytes)} but may take "
            f"{_amount(estimate.capacity_bytes)} of the {where}",
            work.key_span("steps", step.name),
            labels=(Label(work.value_span("base", "model"), _parameters_text(work)),),
            help=_serving_help(work, deploy),
            notes=(_breakdown(estimate),),
        )


def _serving_help(work: Work, deploy: ResolvedDeploy) -> str:
    assert work.resolved is not None
    assert work.facts is not None
    accelerator = work.facts.hardware.accelerator
    ways = []
    if deploy.engine != "embedded" and accelerator and accelerator.count > deploy.tensor_parallel:
        ways.append(f"`tensor_parallel: {accelerator.count}`")
    state = work.resolved.models.get(deploy.model)
    if state is None or not state.quantized:
        ways.append("an `export` step with `quantize`")
    if deploy.max_model_len > 2048:
        ways.append(f"`max_model_len: {deploy.max_model_len // 2}`")
    return "try " + ", or ".join(ways) if ways else "use more or larger accelerators"


def _check_host_memory(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    there = work.facts.hardware.memory_bytes
    for step, train in work.resolved.trains():
        moved = sum(size for name, size in step.estimate.breakdown.items() if name.startswith("host "))
        if train.device == "cpu" or not there or moved <= there:
            continue
        work.sink.report(
            "TW3032",
            f"offloading puts about {_amount(moved)} into host memory, which has {_amount(there)}",
            work.value_span("steps", step.name, "train", "parallelism"),
            help="offload the optimizer only, use `zero3` over more accelerators, or learn an adapter (`tuner: lora`)",
        )


def _data(work: Work, name: str) -> DataFacts | None:
    assert work.facts is not None
    return work.facts.data.get(name)


def _check_idle(work: Work) -> None:
    assert work.spec is not None
    assert work.resolved is not None
    resources = work.spec.resources
    there = (resources.count or 1) * (resources.nodes or 1) if resources else 1
    written = [step.train.parallelism for step in work.spec.steps.values() if step.train]
    # What nobody wrote was weighed by the compiler, which gives its reasons in the plan.
    if there < 2 or not any(item and (item.strategy or item.processes) for item in written):
        return
    rows = [
        sum(facts.rows for name in train.data if (facts := _data(work, name))) for _, train in work.resolved.trains()
    ]
    if max(rows, default=0) < _ROWS_A_STEP * there:
        return  # too few rows to be spread
    used = [train.parallelism.processes for _, train in work.resolved.trains()]
    used += [
        step.body.tensor_parallel * step.body.replicas[1]
        for step in work.resolved.steps
        if isinstance(step.body, ResolvedDeploy)
    ]
    if max(used) < there:
        work.sink.report(
            "TW3034",
            f"no step uses more than {max(used)} of {there} accelerators",
            work.value_span("resources", "count"),
            help=f"set `processes: {there}`, leave `parallelism` to the compiler, or ask for a smaller machine",
        )


_SEVEN = (
    "resources: {accelerator: a10-24gb}, base: {model: "
    "'hf://Qwen/Qwen2.5-7B-Instruct@a09a35458c702b33eeacc393d103063234e8bc28'}"
)

RULES = (
    Rule(
        code="TW3018",
        phase=Phase.HARDWARE,
        follows=(
            "resources",
            "base.model",
        ),
        check=_check_memory,
        why="Out of memory after hours is the most common surprise; the estimate says it before anything starts.",
        bad="{"
        + _SEVEN
        + ", steps: {sft: {train: {tuner: full, parallelism: single}}, align: {train: {from: base, tuner: qlora}}}}",
        good="{"
        + _SEVEN
        + ", steps: {sft: {train: {tuner: qlora, parallelism: single}}, align: {train: {from: base, tuner: qlora}}}}",
    ),
    Rule(
        code="TW3027",
        phase=Phase.MACHINE,
        check=_check_disk,
        why="A disk that fills while a checkpoint is written leaves a broken file where the work of hours should be.",
        bad="# 5 GB are free\nsteps: {sft: {train: {tuner: full, save_total_limit: 5}}}\n",
        good="# 500 GB are free\nsteps: {sft: {train: {tuner: full, save_total_limit: 5}}}\n",
    ),
    Rule(
        code="TW3032",
        phase=Phase.MACHINE,
        check=_check_host_memory,
        why="Offloaded states are moved, not gone: a host that can't hold them kills the run while it starts.",
        bad="# 7 billion weights, 32 GB of host memory\n"
        "steps: {sft: {train: {tuner: full, parallelism: {strategy: zero3, offload_optimizer: cpu}}}}\n",
        good="# 7 billion weights, 512 GB of host memory\n"
        "steps: {sft: {train: {tuner: full, parallelism: {strategy: zero3, offload_optimizer: cpu}}}}\n",
    ),
    Rule(
        code="TW3034",
        phase=Phase.TEXT,
        check=_check_idle,
        why="Accelerators that nothing uses cost as much as those that compute.",
        bad="{resources: {accelerator: a100-80gb, count: 2}, steps: {sft: {train: {parallelism: single}}, "
        "align: {train: {parallelism: single}}}}",
        good="{resources: {accelerator: a100-80gb, count: 2}, steps: {sft: {train: {parallelism: ddp}}}}",
    ),
    Rule(
        code="TW6013",
        phase=Phase.HARDWARE,
        check=_check_serving_memory,
        why="A service that does not fit never becomes ready, after everything before it was paid for.",
        bad="{" + _SEVEN + ", steps: {sft: {train: {tuner: qlora, parallelism: single}}, "
        "align: {train: {tuner: qlora, parallelism: single}}, serve: {deploy: {max_model_len: 32768, "
        "engine: vllm, gpu_memory_share: 0.4}}}}",
        good="{" + _SEVEN + ", steps: {sft: {train: {tuner: qlora, parallelism: single}}, "
        "align: {train: {tuner: qlora, parallelism: single}}, serve: {deploy: {max_model_len: 4096, "
        "engine: vllm}}}}",
    ),
)
