"""Melt an adapter into its base in full precision, and prove that the merged model says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.model_loading import attach_adapter, dtype_of, load_model
from tunewright.runners.sdk import StepFailedError

#: Largest difference of two fp32 logits that rounding explains, as a share of the largest logit (at least 1).
TOLERANCE = 3e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merged model, and the largest difference between its fp32 logits and those of base plus adapter."""

    model: Any
    max_logit_difference: float


def merge_adapter(
    folder: Path, adapter: Path, probes: Sequence[Sequence[int]], *, precision: str, device: str
) -> Merge:
    """Load base and adapter in fp32, merge, compare logits on the probes (token ids), then cast to `precision`.

    Raises StepFailedError MERGE_MISMATCH when the merged model answers differently, as happens when an adapter changes
    a matrix that shares its memory with another one.
    """
    adapted = attach_adapter(load_model(folder, precision="fp32", device=device), adapter)
    expected = [_logits(adapted, probe) for probe in probes]
    merged = adapted.merge_and_unload(safe_merge=True).eval()
    difference, largest = 0.0, 1.0
    for probe, wanted in zip(probes, expected, strict=True):
        difference = max(difference, float((_logits(merged, probe) - wanted).abs().max()))
        largest = max(largest, float(wanted.abs().max()))
    # `not <=` rather than `>`: NaN must fail too.
    if not difference <= TOLERANCE * largest:
        raise StepFailedError(
            f"merging changed the model: logits differ by {difference:.4g}; rounding allows {TOLERANCE * largest:.4g}",
            reason="MERGE_MISMATCH",
            help="train without adapting matrices that are tied to others, such as lm_head",
        )
    _cast_weights(merged, precision)
    return Merge(model=merged, max_logit_difference=difference)


def _cast_weights(model: Any, precision: str) -> None:
    """Buffers stay as they are: rotary frequencies lose positions in half precision, and loading never casts them."""
    dtype = dtype_of(precision)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)


def _logits(model: Any, ids: Sequence[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([list(ids)], device=model.device), use_cache=False).logits.float()
