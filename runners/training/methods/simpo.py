"""Simple preference optimisation (Meng et al. 2024): mean log-probabilities as rewards, and a target margin."""

from typing import Any

from tunewright.runners.training.methods.cpo import cpo_trainer
from tunewright.runners.training.methods.method import PREFERENCE_FIGURES, TrainingMethod
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl.experimental.cpo import CPOConfig

    return CPOConfig(
        **shared,
        beta=settings.options["beta"],
        loss_type="simpo",
        simpo_gamma=settings.options["simpo_gamma"],
        cpo_alpha=0.0,  # with it the loss would be CPO's with another margin
        remove_unused_columns=False,
    )


METHOD = TrainingMethod(arguments=_arguments, trainer=cpo_trainer, figures=PREFERENCE_FIGURES)
