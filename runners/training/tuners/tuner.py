"""What a tuner gives: the part of a training step in which ways to choose the learning weights differ."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.tuners import TUNERS


def _no_options(_settings: TrainSettings) -> dict[str, Any]:
    return {}


def _no_adapter(_model: Any, _settings: TrainSettings) -> Any | None:
    return None


def _as_it_is(model: Any, _settings: TrainSettings) -> Any:
    return model


def _nothing(_trainer: Any, _settings: TrainSettings) -> None:
    return


def _save(trainer: Any, outputs: Path, _settings: TrainSettings) -> None:
    trainer.save_model(str(outputs))


def _continue(model: Any, adapter: Path, settings: TrainSettings) -> Any:
    from peft import PeftModel

    zero3_plain = settings.parallelism.strategy == "zero3" and TUNERS[settings.tuner.type].base_bits is None
    return PeftModel.from_pretrained(model, adapter, is_trainable=True, autocast_adapter_dtype=not zero3_plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What an adapter's weights are before they have learnt: tensors whose names hold `name` all have one `value`.

    An adapter whose weights start by chance has no such sign; `name` is then empty. `beside`: what all of its tensors
    are called, apart from whole modules that learn beside it.
    """

    name: str
    value: float = 0.0
    beside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTuner:
    """The functions of one tuner; what is not given changes nothing. Heavy imports stay inside them.

    `loading(settings)`: further options with which the base model is loaded.
    `adapter(model, settings)`: PEFT's configuration of a new adapter, which the trainer adds after seeding.
    `prepare(model, settings)`: the loaded model with other weights set to learn.
    `arguments(settings)`: keyword arguments of the trainer's settings object that the tuner decides.
    `ready(trainer, settings)`: what is to be done once the trainer stands, before it starts or goes on: another
    optimizer, a callback, a copy of how the adapter started.
    `save(trainer, outputs, settings)`: the result, in the form in which others take it.
    `go_on(model, adapter, settings)`: the model with an earlier step's adapter in it, learning.
    `start`: how weights look that have learnt nothing.
    """

    loading: Callable[[TrainSettings], dict[str, Any]] = _no_options
    adapter: Callable[[Any, TrainSettings], Any | None] = _no_adapter
    prepare: Callable[[Any, TrainSettings], Any] = _as_it_is
    arguments: Callable[[TrainSettings], dict[str, Any]] = _no_options
    ready: Callable[[Any, TrainSettings], None] = _nothing
    save: Callable[[Any, Path, TrainSettings], None] = _save
    go_on: Callable[[Any, Path, TrainSettings], Any] = _continue
    start: Start = Start(name="lora_B", beside="lora_")


def training_tuner(settings: TrainSettings) -> TrainingTuner:
    """Return the tuner of a step; its type is the name of its file here."""
    found: TrainingTuner = import_module(f"tunewright.runners.training.tuners.{settings.tuner.type}").TUNER
    return found
