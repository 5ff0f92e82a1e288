"""A GGUF file becomes a normal model folder: weights unpacked, tokenizer rebuilt from the file's own tables."""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunewright.runners.model_sources.tokenizer import repair_tokenizer
from tunewright.runners.sdk import Reporter, StepFailedError

#: Raised when the same file is to become other bytes: it is part of the cache's key.
CONVERSION = 1

_MAGIC = b"GGUF"
_MACHINE_KEYS = (
    "_model_name_or_path",
    "_name_or_path",
    "name_or_path",
    "is_local",
    "local_files_only",
    "_from_model_config",
)


def convert_gguf(file: Path, folder: Path, report: Reporter) -> None:
    """Write the model of a GGUF file to `folder` in bfloat16; raise StepFailedError when it can't be read."""
    with file.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise StepFailedError(
                f"{file.name} is not a GGUF file",
                reason="MODEL_UNREADABLE",
                help="give a .gguf file that starts with the letters GGUF, or a model folder with `dir:`",
            )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with _tables_read_once():
        report.phase("reading the GGUF file")
        try:
            model = AutoModelForCausalLM.from_pretrained(
                file.parent, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
            )
            report.check_cancelled()
            report.phase("rebuilding the tokenizer")
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        except (ValueError, KeyError, NotImplementedError, RuntimeError) as error:
            raise StepFailedError(
                f"{file.name} can't be read: {error}",
                reason="MODEL_UNREADABLE",
                help="transformers may not know this architecture as GGUF; use the model's safetensors folder",
            ) from error
    repair_tokenizer(tokenizer, model)
    report.check_cancelled()
    report.phase("writing the model folder")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _drop_copied_gguf(folder)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        _drop_machine_text(folder / name)


@contextmanager
def _tables_read_once() -> Iterator[None]:
    """Let transformers' passes over one GGUF file share its parsed tables: each pass takes seconds in pure Python."""
    import gguf

    names: Any = gguf
    reader, name_map = names.GGUFReader, names.get_tensor_name_map
    names.GGUFReader, names.get_tensor_name_map = functools.cache(reader), functools.cache(name_map)
    try:
        yield
    finally:
        names.GGUFReader, names.get_tensor_name_map = reader, name_map


def _drop_copied_gguf(folder: Path) -> None:
    """Some routes of `save_pretrained` copy the whole GGUF file as `tokenizer.model`."""
    copied = folder / "tokenizer.model"
    if copied.exists():
        with copied.open("rb") as stream:
            is_gguf = stream.read(len(_MAGIC)) == _MAGIC
        if is_gguf:
            copied.unlink()


def _drop_machine_text(path: Path) -> None:
    """Remove what says where the model was loaded from: equal weights must give equal bytes on every machine."""
    if not path.exists():
        return
    settings = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: value for key, value in settings.items() if key not in _MACHINE_KEYS}
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
