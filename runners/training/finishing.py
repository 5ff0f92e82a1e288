"""The end of every training: the result is written, tidied, checked, recorded and told, or nothing of it stays."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.training.checkpoints import disk_errors_named, sync_tree
from tunewright.runners.training.distributed import is_first
from tunewright.runners.training.health import HealthCheck
from tunewright.runners.training.memory_use import memory_bytes
from tunewright.runners.training.outputs import tidy_outputs, write_record
from tunewright.runners.training.oversight import Oversight


def finish(
    oversight: Oversight,
    health: HealthCheck,
    step: StepFile,
    bundle: Path,
    *,
    model: Any,
    write: Callable[[Path], Mapping[str, Any]],
    outcome: Callable[[], Mapping[str, Any]],
) -> None:
    """Fill outputs/ and tell the summary; every process calls it, the first one alone looks at files.

    `model` is asked what the reloaded result must answer. `write(folder)` saves the result, all processes together,
    and returns figures that only then are known; `outcome()` returns what was learnt. Raises StepFailedError.
    """
    settings, report = oversight.settings, oversight.report
    seconds = time.monotonic() - oversight.started
    outputs = bundle / contract.OUTPUTS
    report.phase("saving")
    if is_first():
        shutil.rmtree(outputs, ignore_errors=True)
        outputs.mkdir()
    try:
        with disk_errors_named("the result"):
            health.probe(model)
            written = write(outputs)
            if not is_first():
                return
            tidy_outputs(outputs, settings)
            health.start_reloading(outputs)
            health.check_files(outputs, report)
            learnt = {**outcome(), **written}
            write_record(outputs, step, settings, learnt)
            sync_tree(outputs)
            found = health.finish(report)
    except BaseException:
        if is_first():
            shutil.rmtree(outputs, ignore_errors=True)
        raise
    report.summary(
        **learnt,
        **found,
        tokens=int(oversight.tokens_before + oversight.tokens),
        tokens_per_second=round(oversight.tokens / max(seconds, 1e-9), 1),
        training_seconds=round(seconds, 2),
        peak_memory_bytes=memory_bytes(settings.device),
    )
    if "tensorboard" in settings.report_to:
        report.emit("artifact", role="tensorboard", path=f"{contract.WORK}/tensorboard")
    report.emit("artifact", role="adapter" if settings.tuner.makes_adapter else "model", path=contract.OUTPUTS)
