"""All weights learn, stepped in a low-rank subspace of their gradients (Zhao et al. 2024)."""

from typing import Any

from tunewright.runners.model_blocks import blocks_of
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import TrainingTuner


def use_projected_adamw(trainer: Any, settings: TrainSettings, *, four_bits: bool = False) -> None:
    """Give a trainer AdamW that steps the matrices inside blocks in a subspace, and everything else as usual."""
    from tunewright.runners.training.kernels.projected_adamw import ProjectedAdamW

    tuner = settings.tuner
    matrices = {id(item) for item in blocks_of(trainer.model).parameters() if item.ndim == 2}  # noqa: PLR2004
    decayed = set(trainer.get_decay_parameter_names(trainer.model))
    groups: dict[tuple[bool, bool], list[Any]] = {}
    for name, parameter in trainer.model.named_parameters():
        groups.setdefault((id(parameter) in matrices, name in decayed), []).append(parameter)
    trainer.optimizer = ProjectedAdamW(
        [
            {"params": items, "rank": tuner.rank if inside else 0, "weight_decay": settings.weight_decay * decays}
            for (inside, decays), items in groups.items()
        ],
        lr=settings.learning_rate,
        betas=(settings.adam_beta1, settings.adam_beta2),
        eps=settings.adam_epsilon,
        interval=tuner.options["interval"],
        scale=tuner.options["scale"],
        four_bits=four_bits,
    )


TUNER = TrainingTuner(ready=use_projected_adamw)
