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
        shutil.rmtree(folder, ignore_errors=True)
        with whole_models(), disk_errors_named("the merged model"):
            _with_adapter(model(), adapter).merge_and_unload().save_pretrained(folder)
    _wait_for_all()
    return folder


def _with_adapter(model: Any, adapter: Path) -> Any:
    from peft import PeftConfig, PeftModel

    config = PeftConfig.from_pretrained(adapter)
    if config.task_type == "CAUSAL_LM" and not hasattr(model, "prepare_inputs_for_generation"):
        config.task_type = None  # it learned to write, and goes on below a head that does not
    return PeftModel.from_pretrained(model, adapter, config=config)


def discard_merged(work: Path) -> None:
    """Remove what `merge_first` wrote, once no process loads from it any more."""
    _wait_for_all()
    if is_first():
        shutil.rmtree(work / _FOLDER, ignore_errors=True)


def _wait_for_all() -> None:
    gather([0.0])
