"""Why an attempt ended, in a word and a sentence, from what can be known about it. Pure."""

import signal
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.memory_advice import memory_help, memory_message
from tunewright.runners.supervision.watch import Ending
from tunewright.spec.record import record

#: What libraries print when an allocation fails without a kill: at a limit, or in the accelerator's memory.
_MEMORY_WORDS = ("MemoryError", "std::bad_alloc", "Cannot allocate memory", "CUDA out of memory", "NPU out of memory")

_HELP_OF_CAUSE = {
    "DEADLINE": "give the step more time with `timeout`, or make it smaller",
    "STALLED": "its log has its last words: `tunewright logs`",
}
#: What a runner says last that had no room left to say it in an event.
_DISK_WORDS = ("No space left on device", "Disk quota exceeded")

#: What a code says when the runner said nothing.
REASON_OF_CODE = {
    ExitCode.FAILED: ("FAILED", "the work failed"),
    ExitCode.NOT_UNDERSTOOD: ("NOT_UNDERSTOOD", "the runner does not understand the bundle"),
    ExitCode.UNAVAILABLE: ("UNAVAILABLE", "hardware, a package or a service is missing"),
    ExitCode.TEMPORARY: ("TEMPORARY", "a temporary failure"),
    ExitCode.IMPOSSIBLE: ("IMPOSSIBLE", "the parameters can't work together"),
    ExitCode.PAUSED: ("PAUSED", "paused: it can go on from its last checkpoint"),
    ExitCode.CANCELLED: ("CANCELLED", "the process was told to stop (SIGTERM or SIGINT), and not by Tunewright"),
}


@record(kw_only=True)
class Verdict:
    """`code`, `reason`, `message` and `help` of exit.json."""

    code: int
    reason: str
    message: str = ""
    help: str = ""


@record(kw_only=True)
class Evidence:
    """What is known beside the ending: the last `failure` and `paused` events, out-of-memory kills (`limit_kills` at
    the step's own limit), the last lines of stderr.
    """

    service: bool = False
    failure: Mapping[str, Any] | None = None
    pause: Mapping[str, Any] | None = None
    memory_kills: int = 0
    limit_kills: int = 0
    memory_limit_bytes: int | None = None
    last_lines: tuple[str, ...] = ()
    estimate: Mapping[str, Any] = field(default_factory=dict)
    peak_memory_bytes: int | None = None

    @property
    def killed_for_memory(self) -> str | None:
        """Why the kernel killed for lack of memory, None where it did not."""
        if self.limit_kills and self.memory_limit_bytes is not None:
            return (
                f"the step's memory limit of {self.memory_limit_bytes / 2**30:.4g} GiB is used up (`resources.memory`)"
            )
        return "the machine's memory is used up" if self.memory_kills or self.limit_kills else None

    def out_of_memory(self, code: int, what: str) -> "Verdict":
        """Return the verdict that memory ran out, with the figures."""
        return Verdict(
            code=code,
            reason="OUT_OF_MEMORY",
            message=memory_message(what, self.estimate, self.peak_memory_bytes),
            help=memory_help(self.estimate, self.peak_memory_bytes),
        )


def judge(ending: Ending, evidence: Evidence) -> Verdict:
    """Return the verdict: what we did ourselves explains more than the runner's words, those more than its code."""
    if ending.resisting or (ending.code is None and ending.signal is None):
        pids = ", ".join(map(str, sorted(ending.resisting))) or "the runner"
        return Verdict(code=ExitCode.FAILED, reason="UNKILLABLE", message=f"processes survive SIGKILL: {pids}")
    if ending.stop is not None and (ending.code != 0 or evidence.service):
        return _stopped(ending)
    if ending.code == 0:
        return _succeeded(evidence)
    if evidence.pause is not None:
        # A launcher reports its worker's code as 1, and workers whose peer has left may tell of a failure after it.
        return _told(ExitCode.PAUSED, "PAUSED", evidence.pause)
    if ending.signal is not None:
        return _signalled(ending.signal, evidence)
    return _failed(ending.code or ExitCode.FAILED, evidence)


def _stopped(ending: Ending) -> Verdict:
    assert ending.stop is not None  # noqa: S101 - the caller looked
    message = ending.stop.message
    if ending.forced and not ending.stop.immediate:
        message += "; it did not stop within its grace time and was killed"
    code = ExitCode.CANCELLED if ending.stop.cause == "CANCELLED" else ExitCode.FAILED
    return Verdict(code=code, reason=ending.stop.cause, message=message, help=_HELP_OF_CAUSE.get(ending.stop.cause, ""))


def _succeeded(evidence: Evidence) -> Verdict:
    if not evidence.service:
        return Verdict(code=ExitCode.OK, reason="SUCCEEDED")
    return Verdict(code=ExitCode.FAILED, reason="SERVICE_ENDED", message="the service ended though nobody stopped it")


def _signalled(number: int, evidence: Evidence) -> Verdict:
    code = 128 + number
    if number == signal.SIGKILL and (why := evidence.killed_for_memory):
        return evidence.out_of_memory(code, f"the kernel killed the process: {why}")
    if number == signal.SIGKILL:
        help_ = "often this is a container's or a site's memory limit; if so, use a smaller batch"
        return Verdict(code=code, reason="KILLED", message="the process was killed from outside (SIGKILL)", help=help_)
    if _memory_words(evidence):
        return evidence.out_of_memory(code, _memory_words(evidence))
    return Verdict(
        code=code,
        reason="CRASHED",
        message=f"the process died of {_signal_name(number)}",
        help="a library's native code failed: `tunewright logs` shows where each thread stood",
    )


def _failed(code: int, evidence: Evidence) -> Verdict:
    if evidence.failure is not None:
        return _told(code, "FAILED", evidence.failure)
    if why := evidence.killed_for_memory:
        return evidence.out_of_memory(code, f"the kernel killed one of its processes: {why}")
    if words := _memory_words(evidence):
        return evidence.out_of_memory(code, words)
    if words := _last_with(evidence, _DISK_WORDS):
        help_ = "free space, or set TUNEWRIGHT_HOME to a bigger disk; then `tunewright retry`"
        return Verdict(code=code, reason="DISK_FULL", message=words, help=help_)
    reason, sentence = REASON_OF_CODE.get(code, ("FAILED", f"the runner ended with code {code}"))
    last = f": {evidence.last_lines[-1]}" if evidence.last_lines else ""
    return Verdict(code=code, reason=reason, message=sentence + last)


def _told(code: int, otherwise: str, event: Mapping[str, Any]) -> Verdict:
    told = {key: str(event.get(key, "")) for key in ("reason", "message", "help")}
    return Verdict(code=code, reason=told["reason"] or otherwise, message=told["message"], help=told["help"])


def _memory_words(evidence: Evidence) -> str:
    return _last_with(evidence, _MEMORY_WORDS)


def _last_with(evidence: Evidence, words: tuple[str, ...]) -> str:
    return next((line for line in reversed(evidence.last_lines) if any(word in line for word in words)), "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
