"""Work in a process of its own that goes away when there is none: reading a spec needs twenty megabytes of libraries
that a daemon should not carry for weeks, and must not hold up those who only watch.

`python -P -m tunewright.daemon.aside` is that process: it answers one question after another on its standard input and
ends when nobody asks for a while, or when the daemon is gone.
"""

import importlib
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any

from tunewright.runners.supervision.environment import allowed

IDLE_SECONDS = 20.0
#: Beside what runners may see: where our files lie. Secrets that the daemon's environment holds stay in the daemon.
_INHERITED = ("PYTHONPATH", "CREDENTIALS_DIRECTORY", "TUNEWRIGHT_HOME", "TUNEWRIGHT_CACHE", "TUNEWRIGHT_POLICY")
_LENGTH = struct.Struct(">Q")


class AsideError(ChildProcessError):
    """The process ended before it had answered, twice."""


class Aside:
    """Calls functions elsewhere. Any thread may; each has a process to itself for as long as its call lasts."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._free: list[_Process] = []

    def call(self, function: str, *arguments: Any) -> Any:
        """Return what `module:function` returns; raise what it raises, or AsideError.

        The function must be pure but for what it reads: a process that has ended is asked again in another one.
        """
        for process in (self._waiting(), None):
            asked = process or _Process(self._idle_seconds)
            try:
                succeeded, answer = asked.ask((function, arguments))
            except (EOFError, OSError):
                asked.end()
                continue
            self._free.append(asked)
            if not succeeded:
                raise answer
            return answer
        raise AsideError(f"the process that does `{function}` was ended from outside")

    def close(self) -> None:
        """End the processes that wait for work."""
        while (process := self._waiting()) is not None:
            process.end()

    def _waiting(self) -> "_Process | None":
        try:
            return self._free.pop()
        except IndexError:
            return None


class _Process:
    """One of them."""

    def __init__(self, idle_seconds: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(idle_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=allowed(os.environ) | {name: os.environ[name] for name in _INHERITED if name in os.environ},
        )
        # It ends by itself after a while; somebody has to take note, or it stays in the table of processes.
        threading.Thread(target=self._process.wait, name="aside", daemon=True).start()

    def ask(self, question: tuple[str, tuple[Any, ...]]) -> tuple[bool, Any]:
        """Return the answer; raise EOFError or OSError when the process is gone."""
        if self._process.stdin is None or self._process.stdout is None:
            raise EOFError
        _write(self._process.stdin, question)
        answer: tuple[bool, Any] = _read(self._process.stdout)
        return answer

    def end(self) -> None:
        """End it; it has nothing to lose."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # a question that nobody has read
                    stream.close()
        self._process.wait()


def _write(stream: IO[bytes], value: Any) -> None:
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _read(stream: IO[bytes]) -> Any:
    """Both ends of the pipe are ours, and nobody else can hold one: what comes out of it is what we put in."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return pickle.loads(_exactly(stream, length))  # noqa: S301


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise EOFError
    return content


def _answer(question: tuple[str, tuple[Any, ...]]) -> tuple[bool, Any]:
    name, arguments = question
    module, _, function = name.partition(":")
    try:
        return True, getattr(importlib.import_module(module), function)(*arguments)
    except Exception as error:  # the caller's, who is in another process
        return False, error


def main(idle_seconds: float) -> None:
    """Answer until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's; its end is ours
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not get among the answers
    while select.select([questions], [], [], idle_seconds)[0]:
        try:
            question = _read(questions)
            _write(answers, _answer(question))
        except (EOFError, BrokenPipeError):
            return


if __name__ == "__main__":
    main(float(sys.argv[1]))
