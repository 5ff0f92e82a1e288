"""Do the work of several bundles, each in a fork of its own: imports are paid once, and nothing is left between them.

python several.py RUNNER PORT=BUNDLE...     RUNNER: train_trl or train_megatron; PORT: where the processes meet for it
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from tunewright.runners.contract import read_step
from tunewright.runners.sdk import Reporter

HEAVY = {
    "train_trl": ("trl", "peft"),
    "train_megatron": ("megatron.core.models.gpt", "megatron.core.optimizer", "peft"),
}


def main(runner: str, bundles: list[str]) -> None:
    """Work as the runner's `run` does, bundle after bundle; the first failure ends it."""
    for absent in ("bitsandbytes", "deepspeed"):  # no bundle of these needs them, and they take seconds
        sys.modules[absent] = None  # type: ignore[assignment]
    work = import_module(f"tunewright.runners.{runner}").work
    for name in ("torch", "transformers", *HEAVY[runner]):
        import_module(name)
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"  # torchrun's own store is for one meeting
    for place in bundles:
        os.environ["MASTER_PORT"], _, name = place.partition("=")
        bundle = Path(name)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(read_step(bundle), bundle, Reporter(bundle))
                code = 0
            finally:
                if code:
                    sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
                sys.stderr.flush()
                os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            sys.exit(f"{bundle} failed")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
