"""Melt an adapter into its base in full precision, and prove that the merged model says the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.model_loading import attach_adapter, dtype_of
from tunewright.runners.sdk import StepFailedError

#: Largest difference of two fp32 logits that rounding explains, as a share of the largest logit (at least 1).
TOLERANCE = 3e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merged model, and the largest difference between its fp32 logits and those of base plus adapter."""

    model: Any
    max_logit_difference: float


def logits_of(output: Any) -> Any:
    """Return what a model that writes answers."""
    return output.logits


def merge_adapter(
    base: Any,
    adapter: Path,
    probes: Sequence[Sequence[int]],
    *,
    precision: str,
    answer: Callable[[Any], Any] = logits_of,
) -> Merge:
    """Put the adapter on the base in fp32, merge, compare logits on the probes (token ids), then cast to `precision`.

    `answer` takes of the model's output what must stay. Raises StepFailedError MERGE_MISMATCH when the merged model
    answers differently, as happens when an adapter changes a matrix that shares its memory with another one.
    """
    adapted = attach_adapter(base, adapter)
    expected = [answer_to(adapted, probe, answer) for probe in probes]
    merged = adapted.merge_and_unload(safe_merge=True).eval()
    difference, largest = 0.0, 1.0
    for probe, wanted in zip(probes, expected, strict=True):
        difference = max(difference, float((answer_to(merged, probe, answer) - wanted).abs().max()))
        largest = max(largest, float(wanted.abs().max()))
    # `not <=` rather than `>`: NaN must fail too.
    if not difference <= TOLERANCE * largest:
        raise StepFailedError(
            f"merging changed the model: logits differ by {difference:.4g}; rounding allows {TOLERANCE * largest:.4g}",
            reason="MERGE_MISMATCH",
            help="train without adapting matrices that are tied to others, such as lm_head",
        )
    cast_weights(merged, precision)
    return Merge(model=merged, max_logit_difference=difference)


def cast_weights(model: Any, precision: str) -> None:
    """Bring the weights to a precision.

    Buffers stay as they are: rotary frequencies lose positions in half precision, and loading never casts them.
    """
    dtype = dtype_of(precision)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)


def answer_to(model: Any, ids: Sequence[int], answer: Callable[[Any], Any] = logits_of) -> Any:
    """Return what a model answers to one text of token ids, in fp32."""
    import torch

    with torch.inference_mode():
        return answer(model(input_ids=torch.tensor([list(ids)], device=model.device), use_cache=False)).float()
