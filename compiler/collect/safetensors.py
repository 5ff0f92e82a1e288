"""Read what safetensors files hold (names, types, shapes of tensors) without loading weights or trusting a length."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_LONGEST_HEADER = 32 * 2**20
_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_BLOCK = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.\d+\.(.+)\.(?:weight|qweight)$")
_VISION = re.compile(r"(?:^|\.)(?:visual|vision_tower|vision_model|audio_tower)\.")
#: Matrices of a block that no adapter is put on: routers.
_ROUTERS = frozenset({"gate", "router", "shared_expert_gate"})

DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn"}


class SafetensorsError(ValueError):
    """A file is not in the format, is cut off, or is missing although the index names it."""


class StoredTensor(NamedTuple):
    """A tensor of a file: its name, its type as stored (`BF16`, ...), its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return a model folder's safetensors files; raise SafetensorsError when the index names what is not there."""
    index = folder / _INDEX
    if index.is_file():
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            files = tuple(folder / Path(name).name for name in sorted(names))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SafetensorsError(f"`{_INDEX}` is not a weight index") from error
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise SafetensorsError(f"`{missing[0]}` is missing although `{_INDEX}` names it ({len(missing)} in all)")
        return files
    if (folder / _SINGLE).is_file():
        return (folder / _SINGLE,)
    return tuple(sorted(file for file in folder.glob("model*.safetensors") if file.is_file()))


def read_safetensors_header(path: Path) -> tuple[StoredTensor, ...]:
    """Return the tensors a file holds; raise SafetensorsError when it is damaged, OSError when it can't be read."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        prefix = stream.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length > size - 8:
            raise SafetensorsError(f"`{path.name}` is cut off inside its header")
        if length > _LONGEST_HEADER:
            raise SafetensorsError(f"`{path.name}` claims a header of {length} bytes, which is no safetensors file")
        content = stream.read(length)
    try:
        entries = json.loads(content)
        entries.pop("__metadata__", None)
        tensors = tuple(_tensor(name, entry) for name, entry in entries.items())
        end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise SafetensorsError(f"`{path.name}` has no readable safetensors header") from error
    if 8 + length + end > size:
        raise SafetensorsError(f"`{path.name}` is cut off: {8 + length + end} bytes are promised, {size} are there")
    return tensors


def _tensor(name: str, entry: dict[str, Any]) -> StoredTensor:
    shape = tuple(int(extent) for extent in entry["shape"])
    start, end = entry["data_offsets"]
    # No type packs more than eight numbers into a byte: a shape beyond that is made up.
    if any(extent < 0 for extent in shape) or math.prod(shape) > 8 * (end - start):
        raise ValueError(name)
    return StoredTensor(name, str(entry["dtype"]), shape)


def count_elements(tensors: Iterable[StoredTensor]) -> int:
    """Return how many numbers the tensors hold."""
    return sum(math.prod(tensor.shape) for tensor in tensors)


def linear_module_names(tensors: Iterable[StoredTensor]) -> tuple[str, ...]:
    """Return the last names of the matrices inside the language model's blocks, in the order of the files."""
    return _linear_names(tensor.name for tensor in tensors if len(tensor.shape) == 2)


def linear_names_of_index(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the same from the index of weights that are not here; shapes are not known, but names of norms are."""
    names = index.get("weight_map")
    return _linear_names(name for name in names if isinstance(name, str)) if isinstance(names, Mapping) else ()


def _linear_names(tensors: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for tensor in tensors:
        if (match := _BLOCK.search(tensor)) and not _VISION.search(tensor):
            name = match.group(1).rpartition(".")[2]
            if name not in _ROUTERS and "norm" not in name and not name.isdigit():
                found[name] = None
    return tuple(found)
