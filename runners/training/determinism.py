"""Equal bytes in a second run: torch's switches, set before anything is computed."""

import os

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.determinism import BITWISE

_ALWAYS = ("PYTHONHASHSEED", "MKL_CBWR", "OMP_DYNAMIC")
_ON_CUDA = ("CUBLAS_WORKSPACE_CONFIG", "FLASH_ATTENTION_DETERMINISTIC", "NCCL_ALGO")
_TORCH_WORDS = "does not have a deterministic implementation"


def keep_promise(settings: TrainSettings) -> None:
    """Set what the step's level asks for; raise StepFailedError when the plan's environment variables are missing."""
    if settings.determinism != BITWISE:
        return
    wanted = (*_ALWAYS, *_ON_CUDA) if settings.device == "cuda" else _ALWAYS
    if missing := [name for name in wanted if name not in os.environ]:
        raise StepFailedError(
            f"`determinism: bitwise` needs {', '.join(missing)} in the environment of the process",
            reason="NOT_DETERMINISTIC",
            help="start the step with the plan's own command",
            code=ExitCode.IMPOSSIBLE,
        )
    import torch

    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.mkldnn.deterministic = True


def promise_broken(error: BaseException) -> StepFailedError | None:
    """Return the failure that torch's refusal of an operation means, None for another error."""
    if _TORCH_WORDS not in str(error):
        return None
    return StepFailedError(
        f"an operation of this model can't give equal bytes: {str(error).splitlines()[0]}",
        reason="NOT_DETERMINISTIC",
        help="ask for `determinism: statistical`, or change what needs this operation (often `attention`)",
        code=ExitCode.IMPOSSIBLE,
    )
