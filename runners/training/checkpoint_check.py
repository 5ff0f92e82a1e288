"""Read a written checkpoint back before it counts: every file loads, every number in it is finite."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tunewright.runners.training.checkpoint_manifest import CheckpointBrokenError


def check_files(folder: Path) -> None:
    """Read every file whose form is known, one tensor at a time; raise CheckpointBrokenError naming file and tensor.

    Shards of torch's own distributed format are bound by their digest only: they can't be read one by one.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        try:
            for key, tensor in _tensors(path):
                if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                    raise CheckpointBrokenError(f"`{key}` in {name} holds NaN or infinity")
        except CheckpointBrokenError:
            raise
        except Exception as error:  # each library has errors of its own for a file it can't read
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointBrokenError(f"{name} can't be read back: {first}") from error


def _tensors(path: Path) -> Iterator[tuple[str, Any]]:
    match path.suffix:
        case ".safetensors":
            yield from _of_safetensors(path)
        case ".pt" | ".pth":
            yield from _inside("", _loaded(path))
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))


def _of_safetensors(path: Path) -> Iterator[tuple[str, Any]]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - not a dict
            yield name, tensors.get_tensor(name)


def _loaded(path: Path) -> Any:
    """Load without running any code from the file: beside tensors only numpy's arrays and DeepSpeed's own records."""
    import torch

    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    known = [_imported(name) for name in names if name.startswith(("deepspeed.", "numpy."))]
    if "numpy.dtype" in names:
        import numpy as np

        known.append(type(np.dtype(np.uint32)))
    with torch.serialization.safe_globals(known):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _imported(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def _inside(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    import torch

    match value:
        case torch.Tensor():
            yield path.removeprefix("."), value
        case dict():
            for key, item in value.items():
                yield from _inside(f"{path}.{key}", item)
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _inside(f"{path}.{index}", item)
