"""A model folder is taken over as it is: what a model needs must be there, nothing executable comes along."""

import fcntl
import json
import shutil
from collections.abc import Collection
from pathlib import Path

from tunewright.runners.sdk import Reporter, StepFailedError

_KEPT_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".md")
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file until one of them is written


def take_folder(source: Path, folder: Path, report: Reporter, *, names: Collection[str] = ()) -> None:
    """Copy a checked model folder to `folder`, of its files only `names` where they are given; raise StepFailedError
    when it lacks something.
    """
    _check_folder(source)
    report.phase("copying the model folder")
    files = sorted(path for path in source.iterdir() if path.is_file() and (not names or path.name in names))
    left_out = [path.name for path in files if path.suffix not in _KEPT_SUFFIXES]
    for path in files:
        report.check_cancelled()
        if path.suffix in _KEPT_SUFFIXES:
            copy_file(path, folder / path.name)
    if any(name.endswith(".py") for name in left_out):
        report.emit(
            "warning",
            code="model-code-left-out",
            message="the folder holds Python code; it was left out and is never executed",
        )


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's content (through links); where the file system can, both share the same blocks at no cost."""
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing, _FICLONE, reading.fileno())
        except OSError:
            shutil.copyfileobj(reading, writing, 16 * 1024 * 1024)


def _check_folder(source: Path) -> None:
    if not (source / "config.json").is_file():
        raise StepFailedError(
            f"{source.name} has no config.json",
            reason="MODEL_INCOMPLETE",
            help="point at the folder that `save_pretrained` wrote",
        )
    if not any(source.glob("*.safetensors")):
        pickled = any(source.glob("*.bin")) or any(source.glob("*.pt"))
        raise StepFailedError(
            f"{source.name} holds {'pickled weights (.bin)' if pickled else 'no weights'}, not safetensors",
            reason="MODEL_INCOMPLETE",
            help="save it again with transformers (save_pretrained writes safetensors): pickles can execute code",
        )
    _check_parts(source)
    if not any(
        (source / name).is_file()
        for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
    ):
        raise StepFailedError(
            f"{source.name} has no tokenizer",
            reason="MODEL_INCOMPLETE",
            help="copy the tokenizer files of the model into the folder",
        )


def _check_parts(source: Path) -> None:
    """Weights in several files have an index; all that it names must be there."""
    index = source / "model.safetensors.index.json"
    if not index.is_file():
        return
    try:
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise StepFailedError(
            f"{index.name} can't be read: {error}", reason="MODEL_INCOMPLETE", help="fetch the model again"
        ) from error
    if lacking := sorted(str(name) for name in named if not (source / str(name)).is_file()):
        raise StepFailedError(
            f"{source.name} lacks {len(lacking)} of its {len(named)} files of weights: {', '.join(lacking[:5])}",
            reason="MODEL_INCOMPLETE",
            help="fetch the model again",
        )
