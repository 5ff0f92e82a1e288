"""A process that knows the libraries and nothing of a training: forked before any weights are loaded.

Its imports are done, so that what it is asked to do later starts at once; until then it sleeps and costs no memory of
its own.
"""

import contextlib
import ctypes
import json
import os
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_PR_SET_PDEATHSIG = 1


class FreshProcessLostError(Exception):
    """The process ended without an answer; `killed` when it was for want of memory (or by a person's hand)."""

    def __init__(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        super().__init__(f"it ended with {code}")
        self.killed = code == -signal.SIGKILL


@dataclass(slots=True)
class FreshProcess:
    """One question, one answer, both JSON; it ends by itself with the process that forked it."""

    pid: int
    _ask: int
    _answer: int

    @staticmethod
    def fork(work: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> "FreshProcess":
        """Fork; the new process will answer a question with what `work` returns. No threads may run yet."""
        question_read, question_write = os.pipe()
        answer_read, answer_write = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(question_write)
            os.close(answer_read)
            _live(work, question_read, answer_write, parent)
        os.close(question_read)
        os.close(answer_write)
        return FreshProcess(pid, question_write, answer_read)

    def ask(self, question: Mapping[str, Any]) -> None:
        """Send the question; the answer is worked out while the caller goes on."""
        with os.fdopen(self._ask, "w") as stream, contextlib.suppress(BrokenPipeError):
            stream.write(json.dumps(question))

    def answer(self) -> dict[str, Any]:
        """Wait for the answer; raise FreshProcessLostError when the process ended without one."""
        with os.fdopen(self._answer) as stream:
            text = stream.read()
        _, status = os.waitpid(self.pid, 0)
        if not text:
            raise FreshProcessLostError(status)
        answer: dict[str, Any] = json.loads(text)
        return answer


def _live(work: Callable[[Mapping[str, Any]], Mapping[str, Any]], question: int, answer: int, parent: int) -> None:
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        with os.fdopen(question) as stream:
            text = stream.read()
        if text and os.getppid() == parent:
            with os.fdopen(answer, "w") as stream:
                stream.write(json.dumps(work(json.loads(text))))
        code = 0
    except BaseException:  # whatever happens, it must not go on as a second trainer
        traceback.print_exc()
    finally:
        os._exit(code)
