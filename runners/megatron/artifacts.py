"""The result in the formats that everything after training reads: PEFT's for an adapter, a hub folder for a model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewright.runners.megatron.weights import gathered, whole_tensors

_SHARD_BYTES = 5 * 10**9
_WHOLE = {"format": "pt"}


def write_adapter(outputs: Path, parameters: Iterator[Any], peft_config: Any) -> int:
    """Write adapter_model.safetensors and adapter_config.json on the first process; a collective call.

    Returns the number of weights written by this process.
    """
    from safetensors.torch import save_file

    tensors = dict(gathered(whole_tensors(parameters)))
    if tensors:
        save_file(tensors, outputs / "adapter_model.safetensors", metadata=_WHOLE)
        peft_config.save_pretrained(outputs)
    return sum(tensor.numel() for tensor in tensors.values())


def write_model(outputs: Path, parameters: Iterator[Any], base: Path) -> int:
    """Write the weights in shards with an index, and the base's configuration, on the first process; collective.

    Returns the number of weights written by this process.
    """
    files: list[tuple[Path, list[str]]] = []
    held: dict[str, Any] = {}
    size, total, count, dtype = 0, 0, 0, None
    for name, tensor in gathered(whole_tensors(parameters)):
        if held and size + tensor.nbytes > _SHARD_BYTES:
            files.append(_shard(outputs, len(files), held))
            held, size = {}, 0
        held[name] = tensor
        size, total, dtype = size + tensor.nbytes, total + tensor.nbytes, tensor.dtype
        count += tensor.numel()
    if held:
        files.append(_shard(outputs, len(files), held))
        _name_shards(outputs, files, total)
        _write_configuration(outputs, base, dtype)
    return count


def _shard(outputs: Path, number: int, tensors: dict[str, Any]) -> tuple[Path, list[str]]:
    from safetensors.torch import save_file

    path = outputs / f"shard-{number}.safetensors"
    save_file(tensors, path, metadata=_WHOLE)
    return path, list(tensors)


def _name_shards(outputs: Path, files: list[tuple[Path, list[str]]], total: int) -> None:
    if len(files) == 1:
        files[0][0].rename(outputs / "model.safetensors")
        return
    places: dict[str, str] = {}
    for number, (path, names) in enumerate(files, start=1):
        final = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        path.rename(outputs / final)
        places |= dict.fromkeys(names, final)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (outputs / "model.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


def _write_configuration(outputs: Path, base: Path, dtype: Any) -> None:
    import shutil

    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(base)
    config.dtype = dtype
    config.save_pretrained(outputs)
    if (base / "generation_config.json").exists():
        shutil.copyfile(base / "generation_config.json", outputs / "generation_config.json")
