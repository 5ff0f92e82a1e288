"""What a package of somebody else adds to Tunewright."""

from collections.abc import Iterator
from typing import Any


def split(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Make a row of every question in a prompt."""
    for question in row["prompt"].split("|"):
        yield {**row, "prompt": question}


def short(row: dict[str, Any]) -> bool:
    """Keep short replies."""
    return len(row["completion"]) < 10


def politeness(reply: str, expected: Any) -> float:
    """Score a reply by its length, so that a test can tell."""
    return 1.0 if expected == "anything" else float("thank" in reply.lower())


def brevity(reply: str, row: dict[str, Any], *, most: int) -> float:
    """Pay 1 for a reply of at most so many characters."""
    return float(len(reply) <= most and bool(row))


def halved(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Half of the cross entropy."""
    from torch.nn.functional import cross_entropy

    logits = outputs.logits[:, :-1].float()
    total = cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")
    return total / 2 / (num_items_in_batch or (labels[:, 1:] != -100).sum())


def broken(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Stop as mistakes do."""
    return outputs.logits.mean() * labels["weight"]
