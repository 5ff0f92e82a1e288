"""Which installed libraries a step leaves out: loading what it can't need costs seconds at every start."""

import json
import sys
from pathlib import Path

from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.tuners import TUNERS


def leave_out_unused(settings: TrainSettings, model_folder: Path) -> tuple[str, ...]:
    """Make libraries that this step can't need look absent, before anything heavy is imported; return their names.

    PEFT and accelerate import bitsandbytes (and with it torch's compiler) and DeepSpeed wherever they find them.
    """
    unused = []
    if not (TUNERS[settings.tuner.type].base_bits or "8bit" in settings.optim or _is_quantized(model_folder)):
        unused.append("bitsandbytes")
    if not settings.parallelism.uses_deepspeed:
        unused.append("deepspeed")
    for name in unused:
        # None is what Python itself takes for "not there".
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    return tuple(unused)


def _is_quantized(folder: Path) -> bool:
    try:
        return "quantization_config" in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # what can't be read may need anything
