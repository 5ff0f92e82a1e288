"""A `prepare` command: compile DeepSpeed's CPU operators once, where every later process finds them.

    {python} -P -m tunewright.runners.build_extensions [shm_comm] [cpu_adam] [async_io]

DeepSpeed would compile them inside the first training process: a minute of silence, and a process killed there leaves
a lock file on which every later one waits for ever. Here it is a step of its own, such locks are removed, and a second
call costs no import of torch.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from tunewright.runners.contract import ExitCode, write_durably

FOLDER_VARIABLE = "TORCH_EXTENSIONS_DIR"
#: The operators and the folders that DeepSpeed builds them in.
OPERATORS = {"shm_comm": "deepspeed_shm_comm", "cpu_adam": "cpu_adam", "async_io": "async_io"}

_PLAIN = ("shm_comm", "cpu_adam")
_BUILT = "tunewright-built.json"
_BATON = "lock"  # torch's name for the file that a building process holds open


def main(arguments: list[str]) -> int:
    """Build the operators named in `arguments` (none: all that need a compiler only); return the contract's code."""
    operators = tuple(arguments) or _PLAIN
    if unknown := sorted(set(operators) - set(OPERATORS)):
        sys.stderr.write(f"unknown operator `{unknown[0]}`; known: {', '.join(OPERATORS)}\n")
        return ExitCode.IMPOSSIBLE
    folder = use_extensions_folder()
    with _only_one_builder(folder):
        remove_stale_locks(folder)
        missing = [name for name in operators if not is_built(folder, name)]
        if missing and shutil.which("c++") is None and shutil.which("g++") is None:
            sys.stderr.write(
                f"DeepSpeed's operators ({', '.join(missing)}) need a C++ compiler, and PATH has none: install g++\n"
            )
            return ExitCode.UNAVAILABLE
        if "async_io" in missing and not _finds_libaio():
            sys.stderr.write("offloading to `nvme` needs the headers of libaio: install libaio-dev (or libaio-devel)\n")
            return ExitCode.UNAVAILABLE
        for name in missing:
            sys.stderr.write(f"compiling {name} into {folder} (about a minute of one core, once)\n")
            _build(name)
            write_durably(folder / OPERATORS[name] / _BUILT, _identity())
    return ExitCode.OK


def use_extensions_folder() -> Path:
    """Return the folder of compiled operators and make this process use it, with this environment's ninja on PATH."""
    folder = Path(os.environ.setdefault(FOLDER_VARIABLE, str(Path(sys.prefix) / "torch_extensions")))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return folder


def remove_stale_locks(folder: Path) -> list[Path]:
    """Remove torch's build locks that no living process holds open; return them."""
    locks = list(folder.glob(f"*/{_BATON}"))
    held = _open_files() if locks else set()
    stale = [lock for lock in locks if str(lock.resolve()) not in held]
    for lock in stale:
        lock.unlink(missing_ok=True)
    return stale


def is_built(folder: Path, operator: str) -> bool:
    """Say whether an operator was built whole by these versions for this processor."""
    try:
        recorded = json.loads((folder / OPERATORS[operator] / _BUILT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(recorded == _identity()) and any((folder / OPERATORS[operator]).glob("*.so"))


def _build(operator: str) -> None:
    from deepspeed.accelerator import get_accelerator
    from deepspeed.ops.op_builder import AsyncIOBuilder
    from deepspeed.ops.op_builder.cpu import CPUAdamBuilder

    match operator:
        case "cpu_adam":
            CPUAdamBuilder().load()
        case "async_io":
            AsyncIOBuilder().load()
        case _:
            get_accelerator().create_op_builder("ShareMemCommBuilder").load()


def _finds_libaio() -> bool:
    compiler = shutil.which("c++") or shutil.which("g++") or "c++"
    command = [compiler, "-E", "-x", "c++", "-", "-include", "libaio.h"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _identity() -> dict[str, str]:
    # The operators are compiled for the processor at hand: on another one they could die of an illegal instruction.
    return {
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "deepspeed": metadata.version("deepspeed"),
        "processor": hashlib.sha256(_processor_flags().encode()).hexdigest(),
    }


def _processor_flags() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


def _open_files() -> set[str]:
    found: set[str] = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            found.add(str(link.readlink()))
        except OSError:  # the process or the descriptor is gone, or it is not ours to look at
            continue
    return found


@contextmanager
def _only_one_builder(folder: Path) -> Iterator[None]:
    with (folder / "tunewright.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
