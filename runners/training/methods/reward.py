"""Reward modelling (Ouyang et al. 2022): a score for a reply, learnt from pairs by the Bradley-Terry model."""

from typing import Any

from tunewright.runners.training.methods.method import TrainingMethod
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.vision import scoring_class


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import RewardConfig

    return RewardConfig(**shared, center_rewards_coefficient=settings.options["center_rewards_coefficient"])


def _trainer() -> Any:
    from trl import RewardTrainer

    return RewardTrainer


def _load(folder: Any, settings: TrainSettings, **options: Any) -> Any:
    from transformers import set_seed

    set_seed(settings.seed)  # the head is drawn while the model loads
    return scoring_class(folder).from_pretrained(folder, num_labels=1, **options)


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    load=_load,
    task="SEQ_CLS",
    figures={"reward_accuracy": ("accuracy", -1), "reward_margin": ("margin", -1)},
)
