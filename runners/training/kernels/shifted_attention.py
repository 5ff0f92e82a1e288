"""Shifted sparse attention (LongLoRA): half of the heads see their group, the others one half a group later.

Unlike the first implementation, the last tokens that are rolled to the front are not seen by the first ones: a token
sees only what stands before it. Outside training, attention is full.
"""

from collections.abc import Callable
from typing import Any

import torch
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface
from transformers.modeling_utils import AttentionInterface

_NAME = "tunewright_shifted"


def register_shifted_attention(group: int) -> str:
    """Make attention in groups of so many tokens (an even number) known to transformers; return its name."""
    AttentionInterface.register(_NAME, shifted_attention(group))
    # The padding mask as it is, (rows, tokens) or None: who sees whom is worked out group by group.
    AttentionMaskInterface.register(_NAME, ALL_MASK_ATTENTION_FUNCTIONS["flash_attention_2"])
    return _NAME


def shifted_attention(group: int) -> Callable[..., tuple[Any, None]]:
    """Return an attention function of transformers for q [rows, heads, tokens, width] and k, v with fewer heads."""

    def attend(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **options: Any
    ) -> tuple[Any, None]:
        rows, heads, length, _ = query.shape
        key, value = (item.repeat_interleave(heads // item.shape[1], dim=1) for item in (key, value))
        real = torch.ones(rows, key.shape[2], dtype=torch.bool, device=query.device)
        if attention_mask is not None:
            real = attention_mask[:, -key.shape[2] :].bool()
        dropout = float(options.get("dropout") or 0.0) if module.training else 0.0
        if not module.training or length <= group or length != key.shape[2]:
            seen = _in_one_group(query, key, value, real, key.shape[2] - length, scaling, dropout)
            return seen.transpose(1, 2).contiguous(), None
        padding = -length % group
        parts = [torch.nn.functional.pad(item, (0, 0, 0, padding)) for item in (query, key, value)]
        real = torch.nn.functional.pad(real, (0, padding))
        half = heads // 2
        near = _in_groups([item[:, :half] for item in parts], real, group, 0, scaling, dropout)
        shifted = _in_groups([item[:, half:] for item in parts], real, group, group // 2, scaling, dropout)
        return torch.cat([near, shifted], dim=1)[:, :, :length].transpose(1, 2).contiguous(), None

    return attend


def _in_groups(parts: list[Any], real: Any, group: int, shift: int, scaling: float | None, dropout: float) -> Any:
    """Attend within groups of the sequence rolled by `shift`; return [rows, heads, tokens, width] in order."""
    rows, heads, length, width = parts[0].shape
    count = length // group
    rolled = [item.roll(-shift, dims=2) for item in parts]
    query, key, value = (
        item.reshape(rows, heads, count, group, width).transpose(1, 2).reshape(rows * count, heads, group, width)
        for item in rolled
    )
    place = torch.arange(length, device=real.device).roll(-shift).view(count, group)
    allowed = place[:, :, None] >= place[:, None, :]
    allowed = allowed[None] & real.roll(-shift, dims=1).view(rows, count, 1, group)
    # Padding sees itself: a row without anything to see would be no number.
    allowed = allowed | torch.eye(group, dtype=torch.bool, device=real.device)
    mask = allowed.reshape(rows * count, 1, group, group)
    seen = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
    )
    ordered = seen.view(rows, count, heads, group, width).transpose(1, 2).reshape(rows, heads, length, width)
    return ordered.roll(shift, dims=2)


def _in_one_group(
    query: Any, key: Any, value: Any, real: Any, before: int, scaling: float | None, dropout: float
) -> Any:
    places = torch.arange(key.shape[2], device=query.device)
    here = places[: query.shape[2]] + before
    allowed = (here[:, None] >= places[None, :])[None, None] & real[:, None, None, :]
    allowed = allowed | (here[:, None] == places[None, :])
    return torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=allowed, dropout_p=dropout, scale=scaling
    )
