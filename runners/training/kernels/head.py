"""The scores of labelled tokens through a frozen output layer, and their gradient, in one visit to the vocabulary.

TRL 1.16 goes twice over the vocabulary in tiles, for accelerators whose memory can't hold the logits, and multiplies
the gradient in fp32. Here some tokens at a time are scored over the whole vocabulary, and as a token's gradient is its
own row times one number that comes later (d log p(t) / d h = W[t] - sum of p W), that row is made at once. The logits
have the number format of the hidden states, as TRL's have, and every sum over the vocabulary is made in fp32.
"""

from typing import Any

import torch
from trl.trainer import utils

#: Logits that are held at once, so that a long batch takes no more memory than a short one; and those that are
#: summed at once, which stay in the processor's cache from one sweep to the next.
_HELD, _SUMMED = 2**25, 2**20


class FrozenHeadScores(torch.autograd.Function):  # type: ignore[misc]
    """log p(target), and what else is asked for, of hidden [tokens, size], weight [vocabulary, size], targets [tokens].

    `scale` multiplies the logits. Returns a tuple in the order of TRL's own function, all [tokens] in fp32: the log
    probability, entropy, log of the sum of squared probabilities, mean logit, whether the target is the likeliest;
    None where it isn't in `outputs`. Only the first has a gradient, and only for the hidden states.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, targets: Any, scale: float, outputs: tuple[str, ...]) -> Any:
        """Return the scores."""
        ctx.set_materialize_grads(False)
        learns, many = ctx.needs_input_grad[0], max(1, _HELD // len(weight))
        parts = [
            _scores(some, weight, those, scale, outputs, learns)
            for some, those in zip(hidden.split(many), targets.split(many), strict=True)
        ]
        *scores, rows = _joined(parts)
        ctx.save_for_backward(rows)
        ctx.mark_non_differentiable(*(score for score in scores[1:] if score is not None))
        return tuple(scores)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradient of the hidden states."""
        (rows,) = ctx.saved_tensors
        of_hidden = None if gradients[0] is None else rows * gradients[0].unsqueeze(-1).to(rows.dtype)
        return of_hidden, None, None, None, None


def _scores(hidden: Any, weight: Any, targets: Any, scale: float, outputs: tuple[str, ...], learns: bool) -> Any:
    """Return the scores of some tokens, and the rows of their gradient when `learns`."""
    weight = weight.to(hidden.dtype)
    logits = hidden @ weight.T
    many = max(1, _SUMMED // len(weight))
    scores = _joined(
        [
            _sums(some, those.unsqueeze(-1), scale, outputs, learns)
            for some, those in zip(logits.split(many), targets.split(many), strict=True)
        ]
    )
    return *scores, (logits @ weight).mul_(scale) if learns else None


def _sums(short: Any, target: Any, scale: float, outputs: tuple[str, ...], learns: bool) -> Any:
    """Return the scores of some rows of logits; when `learns`, leave 1 for the target - p in place of the logits."""
    logits = short.float().mul_(scale)
    chances = torch.softmax(logits, dim=-1)
    highest, likeliest = logits.max(-1, keepdim=True)  # of equal ones the first
    # The likeliest token's chance is at least one in the vocabulary: its logarithm is exact enough to stand for all.
    log_total = highest - chances.gather(-1, likeliest).log()
    scores = (
        logits.gather(-1, target) - log_total,
        log_total - torch.linalg.vecdot(chances, logits).unsqueeze(-1) if "entropy" in outputs else None,
        torch.linalg.vecdot(chances, chances).log().unsqueeze(-1) if "log_sum_sq_probs" in outputs else None,
        logits.mean(-1, keepdim=True) if "mean_logits" in outputs else None,
        likeliest == target if "is_top1" in outputs else None,
    )
    if learns:
        short.copy_(chances.neg_().scatter_add_(-1, target, torch.ones_like(highest)))
    return tuple(None if score is None else score.squeeze(-1) for score in scores)


def _joined(parts: list[Any]) -> tuple[Any, ...]:
    return tuple(None if part[0] is None else torch.cat(part) for part in zip(*parts, strict=True))


class _Head:
    """Stands in for TRL's function: the same call, by whichever way computes it."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def apply(
        self,
        hidden: Any,
        weight: Any,
        bias: Any,
        targets: Any,
        temperature: float,
        tile: int,
        cap: float | None,
        scale: float,
        outputs: tuple[str, ...],
    ) -> Any:
        """Score tokens: in one visit where the layer is frozen and plain."""
        if bias is not None or cap is not None or weight.requires_grad or torch.is_autocast_enabled(hidden.device.type):
            return self._plain.apply(hidden, weight, bias, targets, temperature, tile, cap, scale, outputs)
        return FrozenHeadScores.apply(hidden, weight, targets, scale / temperature, outputs)


def fuse_head() -> None:
    """Let trainers of TRL score through a frozen output layer in one visit; their losses must leave entropy alone."""
    if not isinstance(utils._ChunkedLogProbFunction, _Head):
        utils._ChunkedLogProbFunction = _Head(utils._ChunkedLogProbFunction)
