"""Small integers in 32-bit words, the first in the lowest bits; a value of 3 bits may lie across two words."""

from typing import Any

_WORD = 32


def unpack(words: Any, bits: int) -> Any:
    """Return the integers, [..., words * 32 / bits], of int32 words [..., words]."""
    import torch

    mask = (1 << bits) - 1
    if _WORD % bits == 0:
        shifts = torch.arange(0, _WORD, bits, dtype=torch.int32, device=words.device)
        # The sign that a shift draws in lies above the mask.
        return ((words.unsqueeze(-1) >> shifts) & mask).flatten(-2)
    offsets = torch.arange(0, words.shape[-1] * _WORD, bits, device=words.device)
    wide = words.to(torch.int64) & 0xFFFFFFFF
    first = offsets // _WORD
    second = (first + 1).clamp(max=words.shape[-1] - 1)
    pairs = wide[..., first] | (wide[..., second] << _WORD)
    return ((pairs >> (offsets % _WORD)) & mask).to(torch.int32)
