"""Vectors of whole texts, and the loss that draws together what belongs together (InfoNCE, van den Oord et al. 2018).

Each anchor is told from the positives and negatives of all rows of the batch, over all processes (in-batch negatives,
Henderson et al. 2017). Ours rather than sentence-transformers': that would bring scipy and scikit-learn (200 MB) for
these lines, and a trainer without our oversight; and here texts that are right too are no negatives.
"""

from typing import Any

import torch
from torch import distributed

from tunewright.runners.training.distributed import world_size


def pooled(states: Any, mask: Any, pooling: str) -> Any:
    """Return vectors of length 1 and shape (texts, width), in fp32, of states of shape (texts, tokens, width).

    Padding is on the right, where `mask` is 0.
    """
    lengths = mask.sum(dim=1)
    if pooling == "mean":
        vectors = (states.float() * mask[:, :, None]).sum(dim=1) / lengths[:, None]
    else:
        vectors = states[torch.arange(len(states), device=states.device), lengths - 1].float()
    return torch.nn.functional.normalize(vectors, dim=1)


def contrastive_loss(vectors: Any, texts: Any, temperature: float) -> Any:
    """Return the mean over the rows of this process.

    `vectors` has shape (2 or 3, rows, width): anchors, positives, perhaps negatives; `texts` of shape (2 or 3, rows)
    has a number for each different text. A candidate that is the anchor itself, the row's own positive once more, or
    the positive of an equal anchor, is no negative: it is left out.
    """
    rows, anchors = vectors.shape[1], vectors[0]
    candidates, numbers = _everyone(vectors[1:]), _everyone(texts[1:])
    all_anchors = _everyone(texts[:1])[0]
    scores = anchors @ candidates.flatten(0, 1).T / temperature
    own = torch.arange(rows, device=scores.device) + rows * (distributed.get_rank() if world_size() > 1 else 0)
    flat = numbers.flatten()
    right_too = (flat[None] == texts[1][:, None]) | (flat[None] == texts[0][:, None])
    right_too[:, : len(all_anchors)] |= all_anchors[None] == texts[0][:, None]
    right_too.scatter_(1, own[:, None], value=False)
    return torch.nn.functional.cross_entropy(scores.masked_fill(right_too, -torch.inf), own)


def _everyone(parts: Any) -> Any:
    """Return a tensor of shape (parts, rows, ...) with the rows of all processes, one process after the other."""
    if world_size() == 1:
        return parts
    return torch.cat(list(_Gather.apply(parts)), dim=1)


class _Gather(torch.autograd.Function):  # type: ignore[misc]
    """Gathers a tensor of every process; gradients flow back to the process that it came from."""

    @staticmethod
    def forward(ctx: Any, own: Any) -> Any:  # noqa: ARG004 - autograd's own signature
        everyone = [torch.empty_like(own) for _ in range(world_size())]
        distributed.all_gather(everyone, own.contiguous())
        return tuple(everyone)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004 - autograd's own signature
        whole = torch.stack(gradients)
        distributed.all_reduce(whole)
        return whole[distributed.get_rank()]
