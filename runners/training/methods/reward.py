"""Reward modelling (Ouyang et al. 2022): a score for a reply, learnt from pairs by the Bradley-Terry model."""

from pathlib import Path
from typing import Any

from tunewright.runners.training.heads.loading import load_with_head
from tunewright.runners.training.methods.method import TrainingMethod
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import RewardConfig

    return RewardConfig(**shared, center_rewards_coefficient=settings.options["center_rewards_coefficient"])


def _trainer() -> Any:
    from trl import RewardTrainer

    return RewardTrainer


def _load(folder: Path, settings: TrainSettings, **options: Any) -> Any:
    return load_with_head(folder, settings.seed, num_labels=1, **options)


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    load=_load,
    task="SEQ_CLS",
    figures={"reward_accuracy": ("accuracy", -1), "reward_margin": ("margin", -1)},
)
