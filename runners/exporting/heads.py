"""Models that do not write, as exports know them: how one is loaded, and what it answers. Heavy imports stay inside."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.exporting.merging import logits_of
from tunewright.runners.model_loading import dtype_of
from tunewright.runners.training.heads.classes import labels_of
from tunewright.runners.training.heads.loading import load_with_head, named_classes
from tunewright.runners.vision import body_class


@dataclass(frozen=True, slots=True)
class Head:
    """`load(folder, precision)`: the model with its head; `answer(output)`: the tensor that is to stay as it was."""

    load: Callable[[Path, str], Any]
    answer: Callable[[Any], Any]


def head_of(makes: str, model: Path, adapter: Path | None) -> Head:
    """Return the head of a model that answers with a `label` or a `vector`; its folder says the classes."""
    if makes == "vector":
        return Head(load=_load_body, answer=lambda output: output.last_hidden_state)
    labels = labels_of(model, adapter)
    return Head(load=lambda folder, precision: _load_classifier(folder, labels, precision), answer=logits_of)


def _load_body(folder: Path, precision: str) -> Any:
    return body_class(folder).from_pretrained(folder, dtype=dtype_of(precision), local_files_only=True)


def _load_classifier(folder: Path, labels: list[str], precision: str) -> Any:
    return load_with_head(folder, 0, **named_classes(labels), dtype=dtype_of(precision), local_files_only=True)
