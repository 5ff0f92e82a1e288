"""Continued pre-training: the loss is on every token of plain text."""

from typing import Any

from tunewright.runners.training.methods.method import TrainingMethod
from tunewright.runners.training.plugged_loss import plugged_loss
from tunewright.runners.training.sequences import sequence_parts
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        **shared,
        packing=settings.packing,
        packing_strategy=settings.options["packing_strategy"],
        pad_to_multiple_of=sequence_parts(settings),
        completion_only_loss=False,
    )


def _trainer() -> Any:
    from trl import SFTTrainer

    return SFTTrainer


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, extras=plugged_loss)
