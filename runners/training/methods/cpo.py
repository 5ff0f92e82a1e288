"""Contrastive preference optimisation (Xu et al. 2024): pairs without a reference, beside learning the better reply."""

from typing import Any

from tunewright.runners.training.methods.method import PREFERENCE_FIGURES, TrainingMethod
from tunewright.runners.training.settings import TrainSettings


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl.experimental.cpo import CPOConfig

    options = settings.options
    return CPOConfig(
        **shared,
        beta=options["beta"],
        loss_type=options["loss_type"],
        label_smoothing=options["label_smoothing"],
        cpo_alpha=options["cpo_alpha"],
        remove_unused_columns=False,
    )


def cpo_trainer() -> Any:
    """Return the trainer that CPO and SimPO share."""
    from trl.experimental.cpo import CPOTrainer

    return CPOTrainer


METHOD = TrainingMethod(arguments=_arguments, trainer=cpo_trainer, figures=PREFERENCE_FIGURES)
