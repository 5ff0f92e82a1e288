"""What a training step leaves: the adapter or model with its tokenizer, and a record of how it came about."""

import json
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from tunewright.runners.contract import StepFile
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.canonical import digest_of

RECORD = "tunewright.json"

_PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "deepspeed",
    "bitsandbytes",
    "megatron-core",
    "tokenizers",
    "safetensors",
)

_OUTPUT_WEIGHT = "lm_head.weight"
_FP32_BYTES = 4

# `training_args.bin` is a pickle with this machine's paths, the README a card that names them, `ref` TRL's frozen
# copy for DPO.
_NOT_OURS = ("training_args.bin", "README.md", "ref")


def tidy_outputs(outputs: Path, settings: TrainSettings) -> None:
    """Remove what is not the artifact and what depends on this machine or on how the work was divided."""
    for name in _NOT_OURS:
        path = outputs / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if settings.tuner.makes_adapter:
        _forget_base_path(outputs / "adapter_config.json")
    else:
        _normalise_weights(outputs, settings.precision)


def write_record(outputs: Path, step: StepFile, settings: TrainSettings, values: Mapping[str, Any]) -> None:
    """Write tunewright.json: from which base, by which method and parameters, with which packages this was made."""
    record = {
        "kind": step.kind,
        "method": settings.method,
        "tuner": settings.tuner.type,
        "inputs": {name: item.digest for name, item in sorted(step.inputs.items())},
        "base_model_digest": step.inputs["model"].digest,
        "parameters_digest": digest_of(step.parameters),
        "packages": _versions(),
        "training": dict(values),
    }
    (outputs / RECORD).write_text(
        json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _forget_base_path(path: Path) -> None:
    """The base model's folder is this machine's; which model it was stands in tunewright.json by digest."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    if "base_model_name_or_path" in settings:
        settings["base_model_name_or_path"] = None
    if isinstance(settings.get("target_modules"), list):
        settings["target_modules"] = sorted(
            settings["target_modules"]
        )  # a set inside peft: its order changes from run to run
    _write_json(path, settings)


def _normalise_weights(outputs: Path, precision: str) -> None:
    """Store bf16 and fp16 training as such, and tied output weights once, however the work was divided."""
    from safetensors.torch import load_file, save_file

    settings = json.loads((outputs / "config.json").read_text(encoding="utf-8"))
    dtype = _short_dtype(precision)
    for path in sorted(outputs.glob("*.safetensors")):
        tensors = load_file(path)
        kept = {
            name: tensor
            for name, tensor in tensors.items()
            if not (settings.get("tie_word_embeddings") and name == _OUTPUT_WEIGHT)
        }
        long = [
            name
            for name, tensor in kept.items()
            if dtype is not None and tensor.dtype.itemsize == _FP32_BYTES and tensor.is_floating_point()
        ]
        kept.update({name: kept[name].to(dtype) for name in long})
        if long or len(kept) < len(tensors):
            save_file(kept, path, metadata={"format": "pt"})
    if dtype is not None:
        settings["dtype"] = str(dtype).removeprefix("torch.")
        _write_json(outputs / "config.json", settings)
    index = outputs / "model.safetensors.index.json"
    if index.exists() and settings.get("tie_word_embeddings"):
        content = json.loads(index.read_text(encoding="utf-8"))
        content["weight_map"].pop(_OUTPUT_WEIGHT, None)
        _write_json(index, content)


def _short_dtype(precision: str) -> Any | None:
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
