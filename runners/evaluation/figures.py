"""Figures of answers that are no texts: classes told, and texts found by their vectors."""

from collections.abc import Hashable, Sequence
from typing import Any

#: Among how many of the nearest texts the right one is looked for.
RECALLED = (1, 5, 10)

_CHUNK = 1024


def macro_f1(expected: Sequence[Hashable], given: Sequence[Hashable]) -> float:
    """Return the mean of the F1 measures of the classes that are expected: a rare one counts like the others."""
    classes = set(expected)
    pairs = list(zip(expected, given, strict=True))
    total = 0.0
    for name in classes:
        both = sum(right == said == name for right, said in pairs)
        either = sum(right == name for right, _ in pairs) + sum(said == name for _, said in pairs)
        total += 2 * both / either
    return total / len(classes)


def ranks(queries: Any, texts: Any, right: Sequence[int], also_right: Sequence[Sequence[int]]) -> list[int]:
    """Return at which place, from 1, each query finds its right text among all by the product of their vectors.

    `queries` has shape (queries, width) and `texts` (texts, width); `right` is the number of each query's text, and
    those of `also_right` do not count as before it. Of equal products, and of those that are no numbers, the right text
    comes last: vectors that are all the same find nothing.
    """
    import torch

    found: list[int] = []
    for start in range(0, len(right), _CHUNK):
        own = torch.tensor(right[start : start + _CHUNK], device=queries.device)
        products = queries[start : start + _CHUNK] @ texts.T
        before = ~(products < products.gather(1, own[:, None]))
        for row, others in enumerate(also_right[start : start + _CHUNK]):
            before[row, [*others, int(own[row])]] = False
        found += (before.sum(dim=1) + 1).tolist()
    return found


def scores_of_rank(rank: int) -> dict[str, float]:
    """Return what a place is worth: its reciprocal, and whether it is among the first ones."""
    return {"mrr": 1 / rank, **{f"recall_at_{count}": float(rank <= count) for count in RECALLED}}
