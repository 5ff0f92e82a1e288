"""Converted models by the digest of what they were made from, shared by every run on the machine."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from tunewright.runners.contract import write_durably
from tunewright.runners.model_sources.folder import copy_file
from tunewright.spec.canonical import digest_of_tree
from tunewright.spec.tree import TreeError

#: The folder that every run on this machine may share; unset means no sharing.
CACHE_VARIABLE = "TUNEWRIGHT_CACHE"


def shared_folder(name: str) -> Path | None:
    """Return a folder of the shared cache, or None when the step has none."""
    root = os.environ.get(CACHE_VARIABLE)
    return Path(root) / name if root else None


def load(key: str, outputs: Path) -> dict[str, Any] | None:
    """Copy a converted model to `outputs` and return its figures; None when there is none or its bytes have changed."""
    models = shared_folder("models")
    if models is None or not (models / f"{key}.json").exists():
        return None
    try:
        recorded: dict[str, Any] = json.loads((models / f"{key}.json").read_text(encoding="utf-8"))
        for path in sorted((models / key).iterdir()):
            copy_file(path, outputs / path.name)
        if digest_of_tree(outputs) == recorded["digest"]:
            return dict(recorded["figures"])
    except (OSError, ValueError, KeyError, TreeError):
        pass  # a damaged entry is as good as none: the model is converted again
    for path in outputs.iterdir():
        path.unlink()
    return None


def store(key: str, outputs: Path, figures: dict[str, Any]) -> None:
    """Keep a copy of a converted model; its record is written last, so half a copy is never used. May raise OSError."""
    models = shared_folder("models")
    if models is None:
        return
    aside = models / f".{key}.{os.getpid()}"
    try:
        aside.mkdir(parents=True)
        for path in outputs.iterdir():
            copy_file(path, aside / path.name)
        shutil.rmtree(models / key, ignore_errors=True)
        aside.rename(models / key)
        write_durably(models / f"{key}.json", {"digest": digest_of_tree(models / key), "figures": figures})
    finally:
        shutil.rmtree(aside, ignore_errors=True)
