"""LoRA whose second matrix learns at a multiple of the rate (Hayou et al. 2024)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import TrainingTuner


def _ready(trainer: Any, settings: TrainSettings) -> None:
    from peft.optimizers import create_loraplus_optimizer

    kind, options = trainer.get_optimizer_cls_and_kwargs(trainer.args, trainer.model)
    trainer.optimizer = create_loraplus_optimizer(
        trainer.model,
        kind,
        loraplus_lr_ratio=settings.tuner.options["ratio"],
        loraplus_weight_decay=settings.weight_decay,
        **options,
    )


TUNER = TrainingTuner(adapter=low_rank_config, ready=_ready)
