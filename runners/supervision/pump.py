"""Move a runner's output into its logs: bytes as they are, a cap on the file, a bound on our memory."""

import os
import select
from pathlib import Path

from tunewright.runners.supervision.redaction import Veil

CAP_BYTES = 64 * 1024 * 1024
TAIL_BYTES = 64 * 1024
_BLOCK_BYTES = 256 * 1024


class LogFile:
    """One log: its first `cap` bytes as they come; of the rest the number of bytes and, at the end, the last 64 KiB."""

    def __init__(self, path: Path, cap: int = CAP_BYTES, veil: Veil | None = None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._room = max(0, cap - os.fstat(self._file).st_size)
        self._left_out = 0
        self._veil = veil
        self.tail = b""

    def feed(self, block: bytes) -> None:
        """Take a block; a full disk makes a gap, never an error: the work goes on."""
        self._take(block if self._veil is None else self._veil.passed(block))

    def settle(self) -> None:
        """Take what was kept back because it might have been the beginning of a secret: nothing comes after it."""
        if self._veil is not None:
            self._take(self._veil.rest())

    def _take(self, block: bytes) -> None:
        self.tail = block[-TAIL_BYTES:] if len(block) >= TAIL_BYTES else (self.tail + block)[-TAIL_BYTES:]
        written = 0
        if self._room and not self._left_out:
            written = self._write(block[: self._room])
            self._room -= written
        self._left_out += len(block) - written

    def finish(self) -> None:
        """Write the mark of the gap and what came last, then close."""
        self.settle()
        if self._left_out:
            last = self.tail[-self._left_out :]
            missing = self._left_out - len(last)
            self._write(b"\n[tunewright: %d bytes left out here]\n" % missing + last)
        os.close(self._file)

    def last_lines(self, count: int, width: int = 500) -> tuple[str, ...]:
        """Return the last lines as text, each cut to `width` characters."""
        lines = self.tail.decode("utf-8", "replace").splitlines()
        return tuple(line[:width] for line in lines if line.strip())[-count:]

    def _write(self, block: bytes) -> int:
        written = 0
        try:
            while written < len(block):
                written += os.write(self._file, block[written:] if written else block)
        except OSError:
            return written
        return written


class Pump:
    """Waits for output, or for the wake-up descriptor, and moves what is there."""

    def __init__(self, wake: int) -> None:
        self._poll = select.poll()
        self._poll.register(wake, select.POLLIN)
        self._wake = wake
        self._sources: dict[int, LogFile] = {}

    def attach(self, descriptor: int, log: LogFile) -> None:
        """Take over the read end of a pipe; it is closed at its end of file."""
        self._sources[descriptor] = log
        self._poll.register(descriptor, select.POLLIN)

    def turn(self, timeout_seconds: float) -> bool:
        """Wait at most so long, move at most one block per pipe; answer whether anything was moved."""
        moved = False
        for descriptor, _ in self._poll.poll(timeout_seconds * 1000):
            if descriptor == self._wake:
                os.read(self._wake, 4096)
            else:
                moved |= self._move(descriptor)
        return moved

    def drain(self) -> None:
        """Move what is left after the writers are dead; a pipe that one of them still holds is not waited for."""
        while self._sources and self.turn(0):
            pass
        for descriptor in list(self._sources):
            self._detach(descriptor)

    def _move(self, descriptor: int) -> bool:
        try:
            block = os.read(descriptor, _BLOCK_BYTES)
        except BlockingIOError:
            return False
        if not block:
            self._detach(descriptor)
            return False
        self._sources[descriptor].feed(block)
        return True

    def _detach(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._sources[descriptor]
        os.close(descriptor)
