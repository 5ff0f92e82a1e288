"""Model folders: write one, quantise one, and make sure that what was written can be used."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.model_loading import WEIGHT_SUFFIXES, dtype_of, load_model
from tunewright.runners.sdk import StepFailedError


def save_model(model: Any, source: Path, target: Path, max_shard_size_bytes: int) -> None:
    """Write weights and config of `model`; all else (tokenizer, chat template, licence) is copied from `source`."""
    target.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(target), max_shard_size=max_shard_size_bytes)
    for path in sorted(source.iterdir()):
        if _is_beside_weights(path):
            shutil.copyfile(path, target / path.name)


def _is_beside_weights(path: Path) -> bool:
    made_by_save = path.name == "config.json" or path.name.endswith(".index.json")
    return path.is_file() and path.suffix not in WEIGHT_SUFFIXES and not made_by_save and not path.name.startswith(".")


def check_quantization(settings: Mapping[str, Any]) -> None:
    """Raise StepFailedError (78) for a quantisation that this runner does not do."""
    if settings["method"] != "bnb" or settings["bits"] != 4 or settings["quant_type"] not in ("nf4", "fp4"):
        raise StepFailedError(
            f"this runner does not quantise by {settings['method']} to {settings['bits']} bits",
            reason="IMPOSSIBLE",
            help="use `quantize: {method: bnb, bits: 4}`",
            code=ExitCode.IMPOSSIBLE,
        )


def quantize(folder: Path, settings: Mapping[str, Any], *, precision: str, device: str) -> Any:
    """Load a plain model folder with its linear layers in 4 bits (bitsandbytes); everything else keeps `precision`."""
    from transformers import BitsAndBytesConfig

    chosen = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=settings["quant_type"],
        bnb_4bit_use_double_quant=settings["double_quant"],
        bnb_4bit_compute_dtype=dtype_of(precision),
    )
    return load_model(folder, precision=precision, device=device, quantization=chosen)


def load_back(folder: Path, probe: Sequence[int], *, precision: str, device: str) -> Any:
    """Load a written folder afresh, as its user will; raise StepFailedError when it does not compute finite logits."""
    import torch

    model = load_model(folder, precision=precision, device=device)
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([list(probe)], device=model.device), use_cache=False).logits
    if not math.isfinite(float(logits.float().abs().max())):
        raise StepFailedError(
            "the exported model computes logits that are not finite",
            reason="EXPORT_BROKEN",
            help="export at another precision (fp16 overflows where bf16 does not)",
        )
    return model
