"""Sequences divided among processes by `train.trl`: Ulysses under ZeRO-3, torch's rings under FSDP2; where they fit."""

from collections.abc import Iterator, Mapping

from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.targets.fsdp import OWN_SHARDING_DEVICES

#: Which attention implementations each way can divide.
ATTENTION: Mapping[str, tuple[str, ...]] = {"zero3": ("sdpa", "flash_attention_2"), "fsdp2": ("sdpa",)}
#: TRL refuses it for methods that generate; preference trainers put two sequences into one batch and know no halves.
METHODS = ("sft", "pretrain")


def divides_sequences(train: ResolvedTrain) -> bool:
    """Say whether several processes of `train.trl` share each sequence."""
    return train.parallelism.context_parallel > 1 and train.parallelism.strategy in ATTENTION


def sequence_misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path inside `train`, reason) of what keeps sequences from being divided."""
    layout, here = train.parallelism, ("parallelism", "context_parallel")
    size = layout.context_parallel
    if layout.strategy == "fsdp2" and train.device in OWN_SHARDING_DEVICES:
        yield here, "torch's rings need the attention kernels of an accelerator; `zero3` divides on processors too"
    if layout.processes % (size * layout.data_parallel_replicate):
        yield here, f"{layout.processes} processes can't be divided into groups of {size}"
    if train.method not in METHODS:
        yield here, f"{train.method} makes its batches inside its trainer; {' and '.join(METHODS)} can be divided"
    if train.packing:
        yield ("packing",), "rows that share a sequence can't be told apart in its parts: set `packing: false`"
    if train.attention not in ATTENTION[layout.strategy]:
        known = " or ".join(f"`{name}`" for name in ATTENTION[layout.strategy])
        yield ("attention",), f"`{train.attention}` can't be divided: use {known}"
    heads, shared = model.num_attention_heads, model.num_key_value_heads
    if layout.strategy == "zero3" and heads and heads % size:
        yield here, f"each process takes whole attention heads, and {size} does not divide {heads}"
    elif layout.strategy == "zero3" and shared and shared % size and size % shared:
        yield here, f"each process takes whole key/value heads, and {size} does not divide {shared}"
