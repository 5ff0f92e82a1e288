"""Which kernels a step uses, as its plan says."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings

#: Methods whose loss takes a token's entropy for a figure that is shown: it gets no gradient.
_ENTROPY_ONLY_SHOWN = frozenset({"sft", "pretrain", "dpo", "kto"})


def use_kernels(model: Any, settings: TrainSettings) -> None:
    """Replace the model's layers by what computes the same in fewer passes, where the plan says so."""
    if settings.kernels == "fused":
        from tunewright.runners.training.kernels.low_rank import fuse_low_rank
        from tunewright.runners.training.kernels.norm import fuse_norms

        fuse_low_rank(model)
        fuse_norms(model)
        if settings.method in _ENTROPY_ONLY_SHOWN:
            from tunewright.runners.training.kernels.head import fuse_head

            fuse_head()
