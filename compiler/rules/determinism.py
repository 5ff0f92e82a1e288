"""Family 3: what a level of determinism asks of a training step. What nobody vouches for is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.determinism import BITWISE
from tunewright.spec.tuners import TUNERS


@dataclass(frozen=True, slots=True)
class _Unvouched:
    """A feature whose bytes nobody vouches for: where it stands in `train`, when it is used, why, what to do."""

    path: tuple[str, ...]
    used: Callable[[ResolvedTrain], bool]
    why: str
    help: str


_UNVOUCHED = (
    _Unvouched(
        ("parallelism",),
        lambda train: train.device in ("npu", "mps"),
        "nobody has held the kernels of this device to equal bytes",
        "train on a CPU or on CUDA, or ask for `determinism: statistical`",
    ),
    _Unvouched(
        ("attention",),
        lambda train: train.device == "cuda" and train.attention == "sdpa",
        "the backward pass of `sdpa` adds up in the order in which threads come",
        "use `attention: eager` or `flash_attention_2`",
    ),
    _Unvouched(
        ("optim",),
        lambda train: train.device == "cuda" and "8bit" in train.optim,
        "8-bit optimizers are not vouched for",
        "use `optim: adamw_torch`",
    ),
    _Unvouched(
        ("tuner",),
        lambda train: train.device == "cuda" and TUNERS[train.tuner.type].base_bits is not None,
        "kernels on 4-bit weights are not vouched for",
        "use `type: lora`",
    ),
    _Unvouched(
        ("parallelism",),
        lambda train: train.device == "cuda" and train.parallelism.strategy.startswith("zero"),
        "DeepSpeed adds up gradients while it still sends others",
        "use `parallelism: ddp` or `fsdp2`",
    ),
    _Unvouched(
        ("parallelism",),
        lambda train: train.parallelism.strategy == "megatron",
        "Megatron's layouts are not held to equal bytes here yet",
        "use `parallelism: ddp` or `fsdp2`, or ask for `determinism: statistical`",
    ),
)


def _check_features(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if train.determinism != BITWISE:
            continue
        for feature in _UNVOUCHED:
            if feature.used(train):
                work.sink.report(
                    "TW3075",
                    f"`{step.name}` promises equal bytes and uses what can't keep that",
                    work.value_span("steps", step.name, "train", *feature.path),
                    feature.why,
                    help=feature.help,
                )


RULES = (
    Rule(
        code="TW3075",
        phase=Phase.HARDWARE,
        check=_check_features,
        why="One kernel with an order of its own breaks the promise of equal bytes, and nothing would show it.",
        bad="""
            resources: {accelerator: a100-80gb}
            steps: {sft: {train: {determinism: bitwise, attention: sdpa}}}
        """,
        good="""
            resources: {accelerator: a100-80gb}
            steps: {sft: {train: {determinism: bitwise, attention: eager}}}
        """,
    ),
    Rule(
        code="TW3076",
        phase=Phase.TEXT,
        why="A second run of a model whose branch has moved is another training, whatever was promised.",
        bad="""
            determinism: rerunnable
            base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct"}
        """,
        good="determinism: rerunnable",
    ),
)
