"""How the hub's separate projections lie inside one fused layer, and how a process's part is cut from the whole.

Megatron holds query, key and value in one matrix, group by group (all queries of a key-value head, its key, its
value), and gate and up of an MLP in another, once for each tensor-parallel process.
"""

from collections.abc import Sequence
from typing import Any


def fuse(parts: Sequence[Any], groups: int, dim: int = 0) -> Any:
    """Join parts along `dim` (0 or -1) so that each of `groups` equal blocks holds its share of every part."""
    import torch

    if len(parts) == 1:
        return parts[0]
    inside = dim + 1 if dim >= 0 else dim
    blocks = torch.cat([part.unflatten(dim, (groups, -1)) for part in parts], dim=inside)
    return blocks.flatten(inside - 1, inside)


def unfuse(whole: Any, sizes: Sequence[int], groups: int) -> list[Any]:
    """Undo `fuse` along the first dimension; `sizes` are the parts' own extents."""
    if len(sizes) == 1:
        return [whole]
    blocks = whole.unflatten(0, (groups, -1))
    return [part.flatten(0, 1) for part in blocks.split([size // groups for size in sizes], dim=1)]
