"""What the training runners share around the work itself: quiet libraries, and what an error of theirs means."""

import os
import warnings

from tunewright.runners.contract import StepFile
from tunewright.runners.memory_advice import memory_help, memory_message, refused_bytes
from tunewright.runners.plug_ins import stopped
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.determinism import promise_broken
from tunewright.runners.training.memory_use import memory_bytes
from tunewright.runners.training.settings import TrainSettings


def failure_of(error: Exception, settings: TrainSettings, step: StepFile) -> Exception:
    """Return the failure that tells a user what an error means; the error itself where nothing better is known."""
    return memory_error(error, settings, step) or promise_broken(error) or stopped(error) or error


def memory_error(error: BaseException, settings: TrainSettings, step: StepFile) -> StepFailedError | None:
    """Return the failure that names what to do when an error means that memory is used up, else None."""
    words = ("out of memory", "can't allocate memory", "not enough memory")
    if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in words):
        return None
    where = "accelerator" if settings.device == "cuda" else "host"
    peak, refused = memory_bytes(settings.device), refused_bytes(str(error))
    return StepFailedError(
        memory_message(f"the {where}'s memory is used up", step.estimate, peak, refused),
        reason="OUT_OF_MEMORY",
        help=memory_help(step.estimate, peak, refused),
    )


def quiet_libraries(device: str) -> None:
    """No telemetry, no progress bars in the log, no hub: everything a step reads is in its inputs."""
    os.environ.update(
        HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1"
    )
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    warnings.filterwarnings("ignore", category=FutureWarning)  # TRL's affair with transformers; our pins are exact
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
