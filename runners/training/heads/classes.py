"""Texts and their classes as batches of tokens, what of them was told right, and where a result says its classes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewright.runners.evaluation.figures import macro_f1
from tunewright.runners.padding import padded_right

#: An adapter's folder has no configuration of the model, which names the classes elsewhere.
_LABELS = "labels.json"


class Collator:
    """Puts the tokens of rows into one batch; their numbers of classes are `labels` of shape (rows)."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return `input_ids` and `attention_mask` of shape (rows, tokens), and `labels`."""
        import torch

        batch = padded_right([row["input_ids"] for row in rows], self._pad)
        return {**batch, "labels": torch.tensor([row["labels"] for row in rows])}


def likeliest(logits: Any, _labels: Any) -> Any:
    """Return the class of each text, where the trainer would keep all logits."""
    return (logits[0] if isinstance(logits, tuple) else logits).argmax(dim=-1)


def told(evaluation: Any) -> dict[str, float]:
    """Return accuracy and macro F1 of held-out rows."""
    expected, given = evaluation.label_ids.tolist(), evaluation.predictions.tolist()
    right = sum(one == other for one, other in zip(expected, given, strict=True))
    return {"accuracy": right / len(expected), "macro_f1": macro_f1(expected, given)}


def write_labels(adapter: Path, labels: Sequence[str]) -> None:
    """Write the names of the classes, in the order of their numbers, beside an adapter."""
    (adapter / _LABELS).write_text(json.dumps(list(labels), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def labels_of(model: Path, adapter: Path | None) -> list[str]:
    """Return the names of the classes that a result tells, in the order of their numbers."""
    if adapter is not None:
        names: list[str] = json.loads((adapter / _LABELS).read_text(encoding="utf-8"))
        return names
    stated = json.loads((model / "config.json").read_text(encoding="utf-8"))["id2label"]
    return [stated[number] for number in sorted(stated, key=int)]
