"""The blocks of a language model, and which of them a list of numbers means."""

from collections.abc import Iterable
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError


def blocks_of(model: Any) -> Any:
    """Return the model's list of blocks: the longest list of modules in it; raise StepFailedError without one."""
    import torch

    # Of a model that sees images, the blocks of its language model.
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    lists = [module for module in (decoder or model).modules() if isinstance(module, torch.nn.ModuleList)]
    if not lists:
        raise StepFailedError(
            "the model has no list of blocks",
            reason="BLOCKS_UNKNOWN",
            help="use `type: lora`, which needs none",
            code=ExitCode.IMPOSSIBLE,
        )
    return max(lists, key=len)


def block_numbers(written: Iterable[int], count: int) -> list[int]:
    """Return block numbers counted from 0; negative ones count from the end. Raises StepFailedError."""
    written = list(written)
    for number in written:
        if not -count <= number < count:
            raise StepFailedError(
                f"there is no block {number}: the model has {count}",
                reason="BLOCK_MISSING",
                help=f"use numbers from {-count} to {count - 1}",
                code=ExitCode.IMPOSSIBLE,
            )
    return sorted({number % count for number in written})
