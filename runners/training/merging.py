"""An adapter merged into its base before all weights learn: whole, by one process, before anything divides them."""

import shutil
from pathlib import Path
from typing import Any

from tunewright.runners.training.checkpoints import disk_errors_named
from tunewright.runners.training.distributed import gather, is_first
from tunewright.runners.training.unsharded import whole_models

_FOLDER = "merged"


def merge_first(model: Any, adapter: Path, work: Path) -> Path:
    """Return a folder with the model that `model()` loads and the adapter in one; all processes call it together.

    A frozen reference is loaded from there too, so it stays until `discard_merged`.
    """
    folder = work / _FOLDER
    if is_first():
        from peft import PeftModel

        shutil.rmtree(folder, ignore_errors=True)
        with whole_models(), disk_errors_named("the merged model"):
            PeftModel.from_pretrained(model(), adapter).merge_and_unload().save_pretrained(folder)
    _wait_for_all()
    return folder


def discard_merged(work: Path) -> None:
    """Remove what `merge_first` wrote, once no process loads from it any more."""
    _wait_for_all()
    if is_first():
        shutil.rmtree(work / _FOLDER, ignore_errors=True)


def _wait_for_all() -> None:
    gather([0.0])
