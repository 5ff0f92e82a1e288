"""LoRA on a base in 4 bits, NF4 with double quantisation (Dettmers et al. 2023), or in 8 (Dettmers et al. 2022)."""

import os
from typing import Any

from tunewright.runners.training.precision import weights_precision
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import TrainingTuner


def _loading(settings: TrainSettings) -> dict[str, Any]:
    import torch
    from transformers import BitsAndBytesConfig

    on_cuda = settings.device == "cuda"
    if settings.tuner.options.get("bits") == 8:
        return {
            "quantization_config": BitsAndBytesConfig(load_in_8bit=True),
            "device_map": {"": int(os.environ.get("LOCAL_RANK", "0")) if on_cuda else "cpu"},
        }
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype={"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[
                weights_precision(settings)
            ],
        ),
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0")) if on_cuda else "cpu"},
    }


TUNER = TrainingTuner(loading=_loading, adapter=low_rank_config)
