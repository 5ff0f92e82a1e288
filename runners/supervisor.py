"""The process between daemon and runner, one an attempt: it outlives the daemon, nothing of the attempt outlives it.

Started as `python -I -S .../supervisor.py BUNDLE [--lock FD]`: by path and without `site`, because that is the fastest
robust way (no PYTHONPATH, user site or .pth files); the package's root is then added behind the standard library.
Exits with 0 when the attempt is over or was somebody else's; how the work ended stands in exit.json.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
if _ROOT not in sys.path:
    sys.path.append(_ROOT)

# ruff: noqa: E402 - the root has to be on the path first
from tunewright.runners import contract
from tunewright.runners.contract import Command, ContractError, ExitCode, StepFile
from tunewright.runners.supervision import bundle_files, delivered, lock, memory, record
from tunewright.runners.supervision.child import become_subreaper, start
from tunewright.runners.supervision.environment import as_entries, marks_of, runner_environment
from tunewright.runners.supervision.group import Group
from tunewright.runners.supervision.processes import identify
from tunewright.runners.supervision.pump import LogFile, Pump
from tunewright.runners.supervision.redaction import Veil
from tunewright.runners.supervision.stopping import StopRule
from tunewright.runners.supervision.verdict import Evidence, Verdict, judge
from tunewright.runners.supervision.watch import Ending, Watch

_NICENESS = 10  # the control plane must not share the processor on equal terms with training
_LAST_LINES = 20


class Attempt:
    """One attempt at a step, from the claim to the exit record."""

    def __init__(self, bundle: Path, step: StepFile) -> None:
        self._bundle, self._step = bundle, step
        self._marks = marks_of(str(bundle), step)
        self._secrets = Path(step.secrets) if step.secrets else None
        redactor = delivered.redactor_of(self._secrets) if self._secrets else None
        self._out = LogFile(bundle / contract.STDOUT, veil=Veil(redactor) if redactor else None)
        self._err = LogFile(bundle / contract.STDERR, veil=Veil(redactor) if redactor else None)
        self._began = time.monotonic()
        self._started: str | None = None
        self._peak = 0
        self._group = None if step.limits.group is None else Group(Path(step.limits.group))

    def run(self) -> record.ExitRecord | None:
        """Do everything; None when the start was not ours any more."""
        outcome = self._attempt()
        if outcome is not None:
            self._forget_secrets()
        return outcome

    def _attempt(self) -> record.ExitRecord | None:
        try:
            bundle_files.write_step_files(self._bundle / contract.WORK, self._step.files)
        except (ContractError, OSError) as error:
            return self._record(refusal(error), None)
        rule = StopRule(self._bundle, self._step.deadlines, self._began)
        if (request := rule.check(self._began)) is not None:
            return self._record(judge(Ending(code=ExitCode.CANCELLED, stop=request), Evidence()), None)
        if not record.claim(self._bundle, "supervisor"):
            return None
        if (verdict := self._enclose()) is not None:
            return self._record(verdict, None)
        self._started = _timestamp()
        kills, offset = memory.count_kills(), _size(self._bundle / contract.EVENTS)
        try:
            ending = self._run_commands(rule)
        except OSError as error:
            message = f"can't start `{error.filename or self._step.command.argv[0]}`: {error.strerror}"
            verdict = Verdict(code=ExitCode.UNAVAILABLE, reason="LAUNCH_FAILED", message=message, help=_LAUNCH_HELP)
            return self._record(verdict, None)
        # Before anybody reads them: nothing of a secret may come into the record, or stay when the secrets are gone.
        self._forget_secrets()
        self._err.settle()
        evidence = Evidence(
            service=self._step.service,
            failure=bundle_files.last_word(self._bundle / contract.EVENTS, offset, "failure"),
            pause=bundle_files.last_word(self._bundle / contract.EVENTS, offset, "paused"),
            memory_kills=memory.count_kills() - kills,
            limit_kills=0 if self._group is None else self._group.limit_kills(),
            memory_limit_bytes=self._step.limits.memory_bytes,
            last_lines=self._err.last_lines(_LAST_LINES),
            estimate=self._step.estimate,
            peak_memory_bytes=self._peak or None,
        )
        return self._record(judge(ending, evidence), ending.signal)

    def _enclose(self) -> Verdict | None:
        """Make the control group; return a verdict where limits that are wanted can't be kept."""
        limits = self._step.limits
        if self._group is None:
            return None
        try:
            self._group.make(limits, service=self._step.service)
        except OSError as error:
            if limits.memory_bytes is None and limits.cpus is None:
                return None  # it was to find what the work leaves behind, which is found by its marks too
            message = f"its limits can't be set: {error.filename or self._group.folder}: {error.strerror}"
            return Verdict(code=ExitCode.UNAVAILABLE, reason="LAUNCH_FAILED", message=message, help=_LIMITS_HELP)
        return None

    def _run_commands(self, rule: StopRule) -> Ending:
        """Run `prepare`, then the command; the first that does not end well is the end."""
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        pump = Pump(wake_read)
        for command in self._step.prepare:
            ending = self._run_command(command, pump, rule)
            if ending.stop is not None and ending.code == 0:  # it came to its end well, but the step must not go on
                return replace(ending, code=ExitCode.CANCELLED)
            if ending.code != 0 or ending.resisting:
                return ending
        return self._run_command(self._step.command, pump, rule)

    def _run_command(self, command: Command, pump: Pump, rule: StopRule) -> Ending:
        child = start(
            command,
            folder=self._bundle / contract.WORK,
            environment=runner_environment(os.environ, command.env, self._marks),
            niceness=0 if self._step.service else _NICENESS,
            group=self._group,
        )
        pump.attach(child.stdout, self._out)
        pump.attach(child.stderr, self._err)
        _write_processes(self._bundle, child.pid)
        rule.restart_stall(time.monotonic())
        _load_seal()
        grace, marks = self._step.deadlines.grace_seconds, as_entries(self._marks)
        ending = Watch(child, pump, rule, grace, marks, self._group).run()
        self._peak = max(self._peak, ending.peak_memory_bytes)
        return ending

    def _forget_secrets(self) -> None:
        if self._secrets is not None:
            delivered.clear(self._bundle, self._secrets)

    def _record(self, verdict: Verdict, died_of: int | None) -> record.ExitRecord:
        if self._group is not None:
            self._group.remove()
        sealed: record.SealedOutputs | None = None
        if verdict.code == ExitCode.OK or (self._step.service and verdict.code == ExitCode.CANCELLED and self._started):
            sealed, verdict = _sealed(self._bundle / contract.OUTPUTS, verdict)
        log_tail = self._err.last_lines(_LAST_LINES)
        self._out.finish()
        self._err.finish()
        return record.ExitRecord(
            code=verdict.code,
            signal=died_of,
            reason=verdict.reason,
            message=verdict.message,
            help=verdict.help,
            started=self._started,
            ended=_timestamp(),
            seconds=round(time.monotonic() - self._began, 3),
            outputs=sealed,
            peak_memory_bytes=self._peak or None,
            log_tail=log_tail,
        )


_LIMITS_HELP = "restart the daemon, which looks anew whether limits can be kept here (`tunewright daemon status`)"
_LAUNCH_HELP = "the step's environment is not complete: run `tunewright env sync`"


def refusal(error: Exception) -> Verdict:
    """Return the verdict on a bundle that can't be worked on at all."""
    if isinstance(error, ContractError):
        return Verdict(code=ExitCode.NOT_UNDERSTOOD, reason="NOT_UNDERSTOOD", message=str(error))
    return Verdict(code=ExitCode.FAILED, reason=_disk_reason(error, "OS_ERROR"), message=str(error))


def supervise(bundle: Path) -> None:
    """Carry the attempt of a bundle whose lock we hold, once."""
    if (bundle / contract.CLAIM).exists() or (bundle / contract.EXIT).exists():
        return
    become_subreaper()
    _write_processes(bundle, None)
    bundle_files.lay_ballast(bundle)
    try:
        step = contract.read_step(bundle)
    except ContractError as error:
        verdict = refusal(error)
        outcome: record.ExitRecord | None = record.ExitRecord(
            code=verdict.code, reason=verdict.reason, message=verdict.message, ended=_timestamp(), seconds=0.0
        )
    else:
        outcome = Attempt(bundle, step).run()
    if outcome is not None:
        bundle_files.write_exit(bundle, outcome)


def main(arguments: list[str]) -> int:
    """Hold the lock of the bundle for as long as we live and supervise its attempt."""
    match arguments:
        case [folder]:
            held = lock.take(Path(folder))
        case [folder, "--lock", descriptor]:
            held = int(descriptor)
            os.set_inheritable(held, False)
        case _:
            sys.stderr.write("The supervisor is started by Tunewright's daemon: supervisor.py BUNDLE [--lock FD]\n")
            return ExitCode.NOT_UNDERSTOOD
    if held is None:
        return ExitCode.OK
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    supervise(Path(folder))
    return ExitCode.OK


def _sealed(outputs: Path, verdict: Verdict) -> tuple[record.SealedOutputs | None, Verdict]:
    from tunewright.runners.supervision.seal import seal

    try:
        return seal(outputs), verdict
    except (OSError, ValueError) as error:
        reason = _disk_reason(error, "SEAL_FAILED")
        message = f"the outputs can't be sealed: {error}"
        return None, Verdict(code=ExitCode.FAILED, reason=reason, message=message)


def _load_seal() -> None:
    """Import the seal while the runner starts: free at that moment, and a later upgrade can't mix versions."""
    import tunewright.runners.supervision.seal  # noqa: F401


def _disk_reason(error: Exception, otherwise: str) -> str:
    import errno

    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "DISK_FULL" if full else otherwise


def _write_processes(bundle: Path, runner: int | None) -> None:
    """Say who runs; not worth failing for: what it misses is found by the marker."""
    own = identify(os.getpid())
    try:
        if own is not None:
            record.write_processes(bundle, own, identify(runner) if runner is not None else None)
    except OSError as error:
        sys.stderr.write(f"{contract.SUPERVISOR}: {error}\n")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _timestamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
