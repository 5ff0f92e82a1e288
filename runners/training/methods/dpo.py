"""Direct preference optimisation (Rafailov et al. 2023) and its loss variants."""

import math
from typing import Any

from tunewright.runners.training.methods.method import PREFERENCE_FIGURES, TrainingMethod
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import DPOConfig

    options = settings.options
    kinds, weights = [options["loss_type"]], [1.0]
    if (weight := options["sft_weight"]) is not None:
        kinds, weights = [*kinds, "sft"], [*weights, weight]
    return DPOConfig(
        **shared,
        beta=options["beta"],
        label_smoothing=options["label_smoothing"],
        loss_type=kinds,
        loss_weights=weights,
    )


def _trainer() -> Any:
    from trl import DPOTrainer

    return DPOTrainer


def _first_loss(settings: TrainSettings) -> float | None:
    """Before the first update policy and reference are equal, so the logistic loss is ln 2."""
    alone = settings.options["loss_type"] == "sigmoid" and settings.options["sft_weight"] is None
    return math.log(2) if alone else None


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, first_loss=_first_loss, figures=PREFERENCE_FIGURES)
