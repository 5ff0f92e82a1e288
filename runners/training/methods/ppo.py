"""Proximal policy optimisation (Schulman et al. 2017), by a trainer of our own (runners/training/ppo)."""

from collections.abc import Mapping
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.training.loading import TunedModel
from tunewright.runners.training.methods.generation import REWARD_FIGURES, prompt_rows, prompts_that_fit
from tunewright.runners.training.methods.method import TrainingMethod
from tunewright.runners.training.rewards.payment import load_rewards
from tunewright.runners.training.settings import TrainSettings


def _arguments(_settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from transformers import TrainingArguments

    own = {key: value for key, value in shared.items() if key != "max_length"}
    return TrainingArguments(**own, remove_unused_columns=False)


def _trainer() -> Any:
    from tunewright.runners.training.ppo.trainer import PPOTrainer

    return PPOTrainer


def _extras(_tuned: TunedModel, settings: TrainSettings, inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {"rewards": load_rewards(settings, inputs), "options": settings.options}


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    rows=prompt_rows,
    encode=prompts_that_fit,
    extras=_extras,
    figures={**REWARD_FIGURES, "reply_tokens": ("reply_tokens", -1)},
)
