"""Sequences of tokens as one batch. torch is imported inside."""

from collections.abc import Sequence
from typing import Any


def padded_right(sequences: Sequence[Sequence[int]], pad: int) -> dict[str, Any]:
    """Return `input_ids` and `attention_mask` of shape (sequences, longest), padding on the right."""
    import torch

    longest = max(map(len, sequences))
    return {
        "input_ids": torch.tensor([[*ids, *[pad] * (longest - len(ids))] for ids in sequences]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in sequences]),
    }
