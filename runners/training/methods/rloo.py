"""REINFORCE leave-one-out (Ahmadian et al. 2024): each reply against the mean of the others to the same prompt."""

from typing import Any

from tunewright.runners.training.methods.generation import (
    REWARD_FIGURES,
    generation_arguments,
    prompt_rows,
    prompts_that_fit,
    rewarded,
)
from tunewright.runners.training.methods.method import TrainingMethod
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import RLOOConfig

    return RLOOConfig(**generation_arguments(settings, shared))


def _trainer() -> Any:
    from trl import RLOOTrainer

    return RLOOTrainer


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    rows=prompt_rows,
    encode=prompts_that_fit,
    extras=rewarded,
    figures=REWARD_FIGURES,
)
