"""What a tuner gives: the part of a training step in which ways to choose the learning weights differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tunewright.runners.training.settings import TrainSettings


def _no_options(_settings: TrainSettings) -> dict[str, Any]:
    return {}


def _no_adapter(_model: Any, _settings: TrainSettings) -> Any | None:
    return None


def _as_it_is(model: Any, _settings: TrainSettings) -> Any:
    return model


def _no_callbacks(_trainer: Any, _settings: TrainSettings) -> Iterable[Any]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTuner:
    """The functions of one tuner; what is not given changes nothing. Heavy imports stay inside them.

    `loading(settings)`: further options with which the base model is loaded.
    `adapter(model, settings)`: PEFT's configuration of a new adapter, which the trainer adds after seeding.
    `prepare(model, settings)`: the loaded model with other weights set to learn.
    `arguments(settings)`: keyword arguments of the trainer's settings object that the tuner decides.
    `callbacks(trainer, settings)`: what acts while training goes on.
    """

    loading: Callable[[TrainSettings], dict[str, Any]] = _no_options
    adapter: Callable[[Any, TrainSettings], Any | None] = _no_adapter
    prepare: Callable[[Any, TrainSettings], Any] = _as_it_is
    arguments: Callable[[TrainSettings], dict[str, Any]] = _no_options
    callbacks: Callable[[Any, TrainSettings], Iterable[Any]] = _no_callbacks


def training_tuner(settings: TrainSettings) -> TrainingTuner:
    """Return the tuner of a step; its type is the name of its file here."""
    found: TrainingTuner = import_module(f"tunewright.runners.training.tuners.{settings.tuner.type}").TUNER
    return found
