"""What a training method gives: the part of a training step in which methods differ."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.vision import model_class
from tunewright.spec.formats import normal_row

Row = dict[str, Any]


def plain_rows(row: Row, form: str, _settings: TrainSettings) -> Iterator[Row]:
    """Yield a row of a data file in the one form that its format has."""
    yield normal_row(row, form)


def _rows_as_they_are(rows: list[Row], _tokenizer: Any, _settings: TrainSettings) -> list[Row]:
    return rows


def _load_causal(folder: Any, **options: Any) -> Any:
    return model_class(folder).from_pretrained(folder, **options)


def _nothing(_tuned: Any, _settings: TrainSettings) -> dict[str, Any]:
    return {}


def _unknown(_settings: TrainSettings) -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMethod:
    """The functions of one method; what is not given is what most methods do. Heavy imports stay inside them.

    `arguments(settings, shared)`: the trainer's settings object, `shared` being what all trainers understand.
    `trainer()`: the trainer's class.
    `rows(row, format, settings)`: a row of a data file as the trainer takes it; a row may become several.
    `encode(rows, tokenizer, settings)`: the rows as the trainer takes them, where it can't tokenise them itself.
    `load(folder, **options)`: the model from a folder of the hub's form.
    `extras(tuned, settings)`: further keyword arguments of the trainer.
    `first_loss(settings)`: the loss before the first update, where the method's theory fixes it.
    """

    arguments: Callable[[TrainSettings, dict[str, Any]], Any]
    trainer: Callable[[], Any]
    rows: Callable[[Row, str, TrainSettings], Iterator[Row]] = plain_rows
    encode: Callable[[list[Row], Any, TrainSettings], list[Row]] = _rows_as_they_are
    load: Callable[..., Any] = _load_causal
    extras: Callable[[Any, TrainSettings], dict[str, Any]] = _nothing
    first_loss: Callable[[TrainSettings], float | None] = _unknown


def training_method(name: str) -> TrainingMethod:
    """Return the method called `name`, which is the name of its file here."""
    found: TrainingMethod = import_module(f"tunewright.runners.training.methods.{name}").METHOD
    return found
