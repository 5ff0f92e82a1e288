"""Group relative policy optimisation (Shao et al. 2024) and its loss variants."""

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
    from trl import GRPOConfig

    options = settings.options
    return GRPOConfig(
        **generation_arguments(settings, shared),
        loss_type=options["loss_type"],
        scale_rewards=options["scale_rewards"],
    )


def _trainer() -> Any:
    from trl import GRPOTrainer

    return GRPOTrainer


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    rows=prompt_rows,
    encode=prompts_that_fit,
    extras=rewarded,
    figures=REWARD_FIGURES,
)
