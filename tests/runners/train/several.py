"""Do the work of several bundles, each in a fork of its own: imports are paid once, and nothing is left between them.

python several.py RUNNER PORT=BUNDLE...     RUNNER: train_trl or train_megatron; PORT: where the processes meet for it
"""

import os
import sys
from importlib import import_module

from tunewright.runners import sdk

HEAVY = {
    "train_trl": ("trl", "peft"),
    "train_megatron": ("megatron.core.models.gpt", "megatron.core.optimizer", "peft"),
}


def main(name: str, bundles: list[str]) -> None:
    """Run bundle after bundle; the first one that does not end well ends it."""
    for absent in ("bitsandbytes", "deepspeed"):  # no bundle of these needs them, and they take seconds
        sys.modules[absent] = None  # type: ignore[assignment]
    runner = import_module(f"tunewright.runners.{name}")
    for heavy in ("torch", "transformers", *HEAVY[name]):
        import_module(heavy)
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"  # torchrun's own store is for one meeting
    for place in bundles:
        os.environ["MASTER_PORT"], _, bundle = place.partition("=")
        child = os.fork()
        if child == 0:
            try:
                sdk.main(runner.MANIFEST, runner.work, ["run", bundle])
            except SystemExit as end:
                sys.stderr.flush()
                os._exit(end.code if isinstance(end.code, int) else 1)
        if (code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) != 0:
            sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
