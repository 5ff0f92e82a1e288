"""How a supervisor is started: by the path of its file, isolated, without `site`; the fastest robust way."""

import os
import subprocess
import sys
from pathlib import Path

from tunewright.runners import contract
from tunewright.runners.supervision.environment import allowed, mark_of

SUPERVISOR_LOG = "supervisor.log"
_SCRIPT = Path(__file__).parent.parent / "supervisor.py"


def spawn_supervisor(bundle: Path, lock: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a supervisor in a session of its own; a given lock goes over to it: the bundle is never seen unlocked."""
    argv = [sys.executable, "-I", "-S", str(_SCRIPT), os.path.realpath(bundle)]
    inherited: tuple[int, ...] = ()
    if lock is not None:
        argv += ["--lock", str(lock)]
        inherited = (lock,)
    # No preexec_fn: it would force a real fork, which a threaded gRPC process must never do.
    with (bundle / SUPERVISOR_LOG).open("ab") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**allowed(os.environ), **mark_of(str(bundle))},
            pass_fds=inherited,
            start_new_session=True,
        )


def prepare_bundle(bundle: Path, step: contract.StepFile) -> None:
    """Make the folders, closed to other users, and write step.json durably."""
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (contract.INPUTS, contract.WORK, contract.OUTPUTS):
        (bundle / name).mkdir(exist_ok=True)
    contract.write_durably(bundle / contract.STEP, step.to_json())
