"""Create an environment: venv, pip, the exact pins; safe against a second process and against being killed."""

import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tunewright.runners.contract import write_durably
from tunewright.runners.environments.place import (
    MARKER,
    folder_of,
    foreign_folder,
    gone,
    interpreter,
    link_package,
    locked,
    read_marker,
)
from tunewright.runners.environments.table import Environment, digest, environment, requirements

_BATCH = 8


class EnvironmentSyncError(RuntimeError):
    """The environment could not be created; the text says why and where the whole output is."""


def sync(name: str, root: Path, report: Callable[[str], None]) -> Path:
    """Return the interpreter of an environment, creating it first when it is not complete.

    `report` gets a line now and then. Raises EnvironmentSyncError. What an interrupted call left behind is removed
    and made again.
    """
    wanted = environment(name)
    if wanted.same_as and interpreter(name, root) is None:
        return sync(wanted.same_as, root, report)
    with locked(name, root, report):
        if (lost := gone(name, root)) is not None:
            report(f"{name}: {lost}, which stood for it, is gone; the pinned environment takes its place")
            shutil.rmtree(foreign_folder(name, root))
        if (found := interpreter(name, root)) is not None:
            return found
        folder = folder_of(name, root)
        if read_marker(folder) is None:
            started = time.monotonic()
            _create(wanted, folder, root, report)
            write_durably(folder / MARKER, {"name": name, "digest": digest(name), "python": sys.version.split()[0]})
            report(f"{name}: ready after {time.monotonic() - started:.0f} s in {folder}")
        link_package(folder)
        return folder / "bin" / "python"


def _create(wanted: Environment, folder: Path, root: Path, report: Callable[[str], None]) -> None:
    if folder.exists():
        report(f"{wanted.name}: removing what an interrupted installation left")
        shutil.rmtree(folder)
    log = root / f"{folder.name}.log"
    lines = requirements(wanted.name)
    pinned = root / f"{folder.name}.txt"
    pinned.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report(f"{wanted.name}: installing {len(lines)} packages for {wanted.purpose}")
    _run([sys.executable, "-m", "venv", str(folder)], log, lambda _: None)
    command = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]
    command += ["--no-deps"] if wanted.no_deps else []
    command += ["--no-build-isolation"] if wanted.no_build_isolation else []
    _run([*command, "--requirement", str(pinned)], log, _Progress(wanted.name, len(lines), report).read)


class _Progress:
    """Turns pip's lines into one short line a batch of packages."""

    def __init__(self, name: str, total: int, report: Callable[[str], None]) -> None:
        self._name, self._total, self._report, self._done = name, total, report, 0

    def read(self, line: str) -> None:
        if line.startswith(("Collecting ", "Processing ")):  # from an index, or from a folder of wheels
            self._done += 1
            if self._done % _BATCH == 0:
                self._report(f"{self._name}: fetched {self._done} of {max(self._total, self._done)} packages")
        elif line.startswith("Installing collected packages"):
            self._report(f"{self._name}: all fetched, unpacking (a minute or two)")


def _run(command: list[str], log: Path, read: Callable[[str], None]) -> None:
    """Run an installation command with its output in `log`, each line passed to `read`; raise EnvironmentSyncError."""
    import subprocess  # every command reads the table of environments, few install one

    # A PYTHONPATH of ours would let pip see the control plane's packages as installed.
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    last: deque[str] = deque(maxlen=3)
    with log.open("a", encoding="utf-8") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=clean,
        )
        try:
            for line in process.stdout or ():
                stream.write(line)
                if line.strip():
                    last.append(line.strip())
                read(line)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
    if process.returncode != 0:
        raise EnvironmentSyncError(f"installing failed: {' / '.join(last)[:600]} (the whole output: {log})")
