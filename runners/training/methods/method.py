"""What a training method gives: the part of a training step in which methods differ."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.vision import model_class
from tunewright.spec.formats import normal_row

Row = dict[str, Any]

#: What trainers of preferences log of the last batch.
PREFERENCE_FIGURES: Mapping[str, tuple[str, int]] = {
    "reward_accuracy": ("rewards/accuracies", -1),
    "reward_margin": ("rewards/margins", -1),
}


def plain_rows(row: Row, form: str, _settings: TrainSettings) -> Iterator[Row]:
    """Yield a row of a data file in the one form that its format has."""
    yield normal_row(row, form)


def as_they_are(rows: list[Row], _tokenizer: Any, _settings: TrainSettings) -> list[Row]:
    """Leave it to the trainer to turn rows into tokens."""
    return rows


def load_causal(folder: Any, _settings: TrainSettings, **options: Any) -> Any:
    """Load a language model, one that sees images too, from a folder of the hub's form."""
    return model_class(folder).from_pretrained(folder, **options)


def _nothing(_tuned: Any, _settings: TrainSettings, _inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {}


def _logits(output: Any) -> Any:
    return output.logits


def _no_files(_outputs: Path, _model: Any, _settings: TrainSettings) -> None:
    return


def _unknown(_settings: TrainSettings) -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMethod:
    """The functions of one method; what is not given is what most methods do. Heavy imports stay inside them.

    `arguments(settings, shared)`: the trainer's settings object, `shared` being what all trainers understand.
    `trainer()`: the trainer's class.
    `rows(row, format, settings)`: a row of a data file as the trainer takes it; a row may become several.
    `encode(rows, tokenizer, settings)`: the rows as the trainer takes them, where it can't tokenise them itself.
    `tokens(row, tokenizer, settings)`: `input_ids` and `labels` (one a token, or one) of a row; given, the trainer gets
    nothing but tokens, and they can be made ahead.
    `load(folder, settings, **options)`: the model from a folder of the hub's form.
    `task`: PEFT's name for what the model does, which decides what an adapter saves beside itself.
    `extras(tuned, settings, inputs)`: further keyword arguments of the trainer; `inputs` has the step's other models.
    `answer(output)`: of what the model gives, the tensor that its reloaded result must give again.
    `describe(outputs, model, settings)`: files beside the weights that say how to use them.
    `first_loss(settings)`: the loss before the first update, where the method's theory fixes it.
    `figures`: figures of the step's summary -> the name in the trainer's log and which of its values, 0 or -1.
    """

    arguments: Callable[[TrainSettings, dict[str, Any]], Any]
    trainer: Callable[[], Any]
    rows: Callable[[Row, str, TrainSettings], Iterator[Row]] = plain_rows
    encode: Callable[[list[Row], Any, TrainSettings], list[Row]] = as_they_are
    tokens: Callable[[Row, Any, TrainSettings], Row] | None = None
    load: Callable[..., Any] = load_causal
    task: str = "CAUSAL_LM"
    extras: Callable[[Any, TrainSettings, Mapping[str, Input]], dict[str, Any]] = _nothing
    answer: Callable[[Any], Any] = _logits
    describe: Callable[[Path, Any, TrainSettings], None] = _no_files
    first_loss: Callable[[TrainSettings], float | None] = _unknown
    figures: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def training_method(name: str) -> TrainingMethod:
    """Return the method called `name`, which is the name of its file here."""
    found: TrainingMethod = import_module(f"tunewright.runners.training.methods.{name}").METHOD
    return found
