"""Supervised fine-tuning."""

from collections.abc import Iterator
from typing import Any

from tunewright.runners.training.methods.method import Row, TrainingMethod
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.formats import normal_row


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import SFTConfig

    return SFTConfig(**shared, packing=settings.packing, completion_only_loss=settings.loss_on == "completion")


def _trainer() -> Any:
    from trl import SFTTrainer

    return SFTTrainer


def _rows(row: Row, form: str, settings: TrainSettings) -> Iterator[Row]:
    normal = normal_row(row, form)
    if settings.loss_on == "all" and "prompt" in normal:
        normal = {"messages": [*normal["prompt"], *normal["completion"]]}
    yield normal


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, rows=_rows)
