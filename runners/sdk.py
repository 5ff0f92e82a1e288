"""What a runner written in Python imports: the reporter, cancellation, the three verbs. Standard library only.

def work(step: StepFile, report: Reporter) -> None: ...

if __name__ == "__main__":
    main(manifest=Manifest(...), work=work)
"""

import contextlib
import errno
import faulthandler
import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import ContractError, ExitCode, StepFile
from tunewright.runners.environments.repair import install_help
from tunewright.spec.garbage import expect_little_garbage


class StepFailedError(Exception):
    """The work can't succeed; `reason` is a short UPPER_SNAKE word, `help` says what the user can change."""

    def __init__(self, message: str, *, reason: str = "FAILED", help: str = "", code: int = ExitCode.FAILED) -> None:  # noqa: A002
        super().__init__(message)
        self.reason, self.help, self.code = reason, help, code


class StepCancelledError(Exception):
    """Cancellation was asked for and the work has stopped cleanly."""


class StepPausedError(Exception):
    """The work stops here and can go on from its last checkpoint; `reason` and `help` as in StepFailedError."""

    def __init__(self, message: str, *, reason: str, help: str = "", checkpoint: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.reason, self.help, self.checkpoint = reason, help, checkpoint


#: How the work itself says that it ends: no error of anybody's.
STEP_ENDS = (StepFailedError, StepCancelledError, StepPausedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `describe` prints: who the runner is and what it can do.

    `packages` must be importable for `probe` to pass; `environment` names the one that has them.
    """

    name: str
    version: str
    kinds: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    environment: str = ""
    contract_versions: tuple[int, ...] = (contract.CONTRACT_VERSION,)
    parameters_schema: Mapping[str, Any] = field(default_factory=dict)


class Reporter:
    """Appends events to events.jsonl, one line a write, and answers whether cancellation is wanted.

    Safe to use from threads.

    Of several processes started together (RANK, as torchrun sets it) only the first one reports; the others only say
    why they failed.
    """

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._lock = threading.Lock()
        path = bundle / contract.EVENTS
        self._sequence = _last_sequence(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._silent = os.environ.get("RANK", "0") != "0"
        self._torn = False
        self.cancelled = threading.Event()

    def emit(self, kind: str, **fields: Any) -> None:
        """Append one event; NaN and infinity are kept as text ("nan", "inf"), too long text is cut with a mark."""
        if self._silent and kind != "failure":
            return
        with self._lock:
            if self._silent:
                self._sequence = _last_sequence(self._bundle / contract.EVENTS)
            self._sequence += 1
            stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            event = {"seq": self._sequence, "time": stamp, "kind": kind, **_finite(fields)}
            line = json.dumps(event, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
            if len(line) >= contract.MAX_EVENT_BYTES:
                event = {"seq": self._sequence, "time": stamp, "kind": kind, "cut": True, **_shortened(event)}
                line = json.dumps(event, ensure_ascii=False).encode("utf-8", "backslashreplace")
            self._append(line + b"\n")

    def _append(self, line: bytes) -> None:
        """Write a line at once; what follows one that a full disk has torn starts on a line of its own."""
        whole = b"\n" + line if self._torn else line
        written = os.write(self._file, whole)
        self._torn = 0 < written < len(whole)
        if written < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), contract.EVENTS)

    def phase(self, name: str) -> None:
        """Say what happens now, in a few words."""
        self.emit("phase", name=name)

    def progress(self, done: float, total: float, unit: str, **more: Any) -> None:
        """Say how far the work is."""
        self.emit("progress", done=done, total=total, unit=unit, **more)

    def metric(self, step: int, values: Mapping[str, float]) -> None:
        """Report measured values at a step of the work."""
        self.emit("metric", step=step, values=dict(values))

    def summary(self, **values: Any) -> None:
        """Report the few figures that the end-of-run summary shows."""
        self.emit("summary", values=values)

    def check_cancelled(self) -> None:
        """Raise StepCancelledError when cancellation is wanted; call it between pieces of work."""
        if self.cancelled.is_set() or (self._bundle / contract.CANCEL).exists():
            self.cancelled.set()
            raise StepCancelledError

    def pause_wanted(self) -> bool:
        """Say whether somebody wants the work to pause at its next safe point."""
        return (self._bundle / contract.PAUSE).exists()

    def paused(self, error: StepPausedError) -> None:
        """Say that the work stops and why; the process ends with `ExitCode.PAUSED` then."""
        where = {} if error.checkpoint is None else {"checkpoint": error.checkpoint}
        self.emit("paused", reason=error.reason, message=str(error), help=error.help, **where)


def _last_sequence(path: Path) -> int:
    """A retry in the same bundle goes on counting, so that readers can drop what they have seen."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return 0
    for line in reversed(lines):
        try:
            return int(json.loads(line)["seq"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return repr(value)
        case _:
            return value


def _shortened(event: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: item for key, item in event.items() if key not in ("seq", "time", "kind")}
    return {
        key: (item[:2000] if isinstance(item, str) else item)
        for key, item in kept.items()
        if not isinstance(item, dict | list)
    }


def main(manifest: Manifest, work: Callable[[StepFile, Path, Reporter], None], argv: list[str] | None = None) -> None:
    """Run one of the three verbs: `describe`, `probe`, `run BUNDLE`.

    Exits with a code of the contract, never with a traceback on stdout.
    """
    arguments = sys.argv[1:] if argv is None else argv
    match arguments:
        case ["describe"]:
            print(json.dumps(asdict(manifest), indent=1, sort_keys=True))  # noqa: T201
            sys.exit(ExitCode.OK)
        case ["probe"]:
            sys.exit(_probe(manifest))
        case ["run", bundle]:
            expect_little_garbage()
            code = _run(Path(bundle), manifest, work)
            # What is left ends with the process: looking through all of it once more takes a large library's time.
            gc.freeze()
            # Python takes its handlers away while it ends: a late SIGTERM would then turn a clean exit into a death.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            sys.exit(code)
        case _:
            sys.stderr.write(
                f"{manifest.name} is a runner: Tunewright's daemon starts it. Verbs: describe, probe, run BUNDLE.\n"
            )
            sys.exit(ExitCode.NOT_UNDERSTOOD)


def _probe(manifest: Manifest) -> int:
    from importlib import metadata

    missing = _missing(manifest)
    versions = {}
    for name in manifest.packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    print(json.dumps({"ok": not missing, "missing": missing, "versions": versions}, sort_keys=True))  # noqa: T201
    return ExitCode.UNAVAILABLE if missing else ExitCode.OK


def _run(bundle: Path, manifest: Manifest, work: Callable[[StepFile, Path, Reporter], None]) -> int:
    try:
        step = contract.read_step(bundle)
        if step.kind not in manifest.kinds:
            raise ContractError(f"{manifest.name} does not do `{step.kind}`; it does {', '.join(manifest.kinds)}")
    except ContractError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.NOT_UNDERSTOOD
    report = Reporter(bundle)
    signal.signal(signal.SIGTERM, lambda *_: report.cancelled.set())
    signal.signal(signal.SIGINT, lambda *_: report.cancelled.set())
    started = time.monotonic()
    faulthandler.enable()  # what native code breaks leaves a word in the log
    try:
        report.emit("started", runner=manifest.name, version=manifest.version)
        report.check_cancelled()
        if missing := _missing(manifest):
            raise _package_failure(manifest, missing)
        work(step, bundle, report)
    except StepCancelledError:
        return ExitCode.CANCELLED
    except StepPausedError as error:
        report.paused(error)
        sys.stderr.write(f"{error}\n")
        return ExitCode.PAUSED
    except StepFailedError as error:
        _tell(report, error.reason, str(error), error.help)
        return error.code
    except ImportError as error:
        traceback.print_exc()
        told = install_help(manifest.environment, [error.name] if error.name else [])
        _tell(report, "PACKAGE_MISSING", _first_line(error), told)
        return ExitCode.UNAVAILABLE
    except MemoryError:
        _tell(report, "OUT_OF_MEMORY", "the host's memory is used up", "use a smaller batch or max_length")
        return ExitCode.FAILED
    except OSError as error:
        reason, full = _os_reason(error), _os_reason(error) == "DISK_FULL"
        if not full:
            traceback.print_exc()
        _tell(report, reason, f"the disk is full: {error}" if full else str(error), _os_help(error))
        return ExitCode.FAILED
    except Exception as error:
        # The border: whatever a library raises becomes a sentence for the user and a traceback in stderr.log.
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"[:2000]
        _tell(report, "RUNNER_ERROR", message, "the traceback is in the step's log")
        return ExitCode.FAILED
    report.emit("phase", name="done", seconds=round(time.monotonic() - started, 3))
    return ExitCode.OK


def _tell(report: Reporter, reason: str, message: str, help: str) -> None:  # noqa: A002
    """Say why it failed: as an event, and on stderr, which the supervisor reads where a full disk takes no event."""
    with contextlib.suppress(OSError):
        report.emit("failure", reason=reason, message=message, help=help)
    sys.stderr.write(f"{message}\n")


def _first_line(error: ImportError) -> str:
    return f"a package is missing or does not load: {(str(error).strip() or 'it says nothing').splitlines()[0]}"


def _missing(manifest: Manifest) -> list[str]:
    from importlib.util import find_spec

    return [name for name in manifest.packages if find_spec(name) is None]


def _package_failure(manifest: Manifest, missing: list[str]) -> StepFailedError:
    return StepFailedError(
        f"{sys.executable} lacks {', '.join(missing)}",
        reason="PACKAGE_MISSING",
        help=install_help(manifest.environment, missing),
        code=ExitCode.UNAVAILABLE,
    )


def _os_reason(error: OSError) -> str:
    return {errno.ENOSPC: "DISK_FULL", errno.EDQUOT: "DISK_FULL", errno.EADDRINUSE: "PORT_IN_USE"}.get(
        error.errno or 0, "OS_ERROR"
    )


def _os_help(error: OSError) -> str:
    return {
        "DISK_FULL": "free space, or set TUNEWRIGHT_HOME to a bigger disk, then run again: finished steps are kept",
        "PORT_IN_USE": "stop what listens there, or set another `port`",
    }.get(_os_reason(error), "the traceback is in the step's log")
