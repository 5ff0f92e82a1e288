"""What the fresh process does: load a training's result from its files alone and compare its answers."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.runners.model_loading import attach_adapter, dtype_of, weight_bytes
from tunewright.runners.training.kernels.choose import use_kernels
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import training_tuner
from tunewright.spec.tuners import TUNERS

_MEMORY_SHARE = 0.8
#: What a launcher tells the processes of one training; here they would be waited for.
_OF_THE_GANG = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def answer(question: Mapping[str, Any], model_folder: Path, settings: TrainSettings) -> dict[str, Any]:
    """Return `{"difference", "largest", "effect", "seconds"}` of the logits, or `{"problem"}`, or `{"skipped"}`."""
    for name in _OF_THE_GANG:
        os.environ.pop(name, None)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    outputs, probe = Path(question["outputs"]), Path(question["probe"])
    base = model_folder if settings.tuner.makes_adapter else outputs
    if (needed := weight_bytes(base)) > _MEMORY_SHARE * _available_bytes():
        return {"skipped": f"{needed / 1e9:.0f} GB of weights do not fit into the memory that is free"}
    started = time.monotonic()
    if problem := _tokenizer_problem(outputs, model_folder):
        return {"problem": problem}
    try:
        model = load_result(outputs, base, alone(settings))
    except Exception as error:  # whatever a library raises, the result does not load
        return {"problem": f"the result does not load: {type(error).__name__}: {str(error).splitlines()[0]}"}
    return {**_compare(model, probe, settings), "seconds": round(time.monotonic() - started, 2)}


def alone(settings: TrainSettings) -> TrainSettings:
    """Return the settings of one process on a processor: how a stranger loads the result."""
    return replace(settings, device="cpu", parallelism=replace(settings.parallelism, strategy="single", processes=1))


def load_result(outputs: Path, base: Path, settings: TrainSettings) -> Any:
    """Load what lies in `outputs`, on top of `base` where it is an adapter, ready to answer."""
    import torch

    torch.set_num_threads(settings.threads)
    model = training_method(settings.method).load(
        base,
        settings,
        **{
            "dtype": dtype_of(settings.precision),
            "attn_implementation": settings.attention if settings.attention in ("eager", "sdpa") else "eager",
            "use_safetensors": True,
            **training_tuner(settings).loading(settings),
        },
    )
    if settings.tuner.makes_adapter:
        model = attach_adapter(model, outputs, trainable=TUNERS[settings.tuner.type].continues)
    # Short formats round otherwise in other kernels: what is compared is the weights.
    use_kernels(model, settings)
    return model.eval()


def _compare(model: Any, probe: Path, settings: TrainSettings) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    kept = load_file(probe)
    tokens = kept["input_ids"]
    with torch.no_grad():
        output = model(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False)
    logits = training_method(settings.method).answer(output).float()
    without = kept.get("without_adapter")
    return {
        "difference": float((logits - kept["logits"]).abs().max()),
        "largest": float(kept["logits"].abs().max()),
        "effect": None if without is None else float((kept["logits"] - without).abs().max()),
    }


def _tokenizer_problem(outputs: Path, model_folder: Path) -> str | None:
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(outputs, local_files_only=True)
    if found.eos_token_id is None:
        return "the tokenizer that lies with the result has no end-of-sequence token"
    if not found.chat_template and AutoTokenizer.from_pretrained(model_folder, local_files_only=True).chat_template:
        return "the chat template of the base model is not with the result"
    return None


def _available_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
