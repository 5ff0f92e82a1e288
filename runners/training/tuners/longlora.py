"""LoRA with shifted sparse attention while it learns (Chen et al. 2023)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import TrainingTuner


def _loading(settings: TrainSettings) -> dict[str, Any]:
    from tunewright.runners.training.kernels.shifted_attention import register_shifted_attention

    group = -(-settings.max_length // settings.tuner.options["groups"])
    return {"attn_implementation": register_shifted_attention(group + group % 2)}


TUNER = TrainingTuner(loading=_loading, adapter=low_rank_config)
