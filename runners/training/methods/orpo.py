"""Odds-ratio preference optimisation (Hong et al. 2024): supervised and from pairs in one step."""

from typing import Any

from tunewright.runners.training.methods.method import PREFERENCE_FIGURES, TrainingMethod
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl.experimental.orpo import ORPOConfig

    return ORPOConfig(**shared, beta=settings.options["beta"], remove_unused_columns=False)


def _trainer() -> Any:
    from trl.experimental.orpo import ORPOTrainer

    return ORPOTrainer


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, figures=PREFERENCE_FIGURES)
