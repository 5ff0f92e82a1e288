"""Secrets that a program answers: a vault's client, a password store."""

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass

from tunewright.daemon.secrets.provider import MAX_BYTES, Held, Scope, SecretError, filled

#: Beside these only what the settings name: the daemon's environment may hold other secrets.
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "SSL_CERT_FILE")
_LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProvider:
    """A program and its arguments, which may hold `{name}` and `{project}`: an argument list, never a shell line.

    What it prints is the value, without one line end. A code other than 0 is an error that may pass by itself, unless
    it is one of `absent`: then the program has no such secret.
    """

    argv: tuple[str, ...]
    environment: tuple[str, ...] = ()
    timeout_seconds: float = 10.0
    absent: frozenset[int] = frozenset()
    scope: Scope

    kind = "command"

    def read(self, project: str, name: str) -> bytes | None:
        """Ask the program; raise SecretError with its last word where it has no answer."""
        if not self.scope.holds(project):
            return None
        with tempfile.TemporaryFile() as words:
            code, value = self._asked([filled(word, project, name) for word in self.argv], words.fileno())
            if code in self.absent:
                return None
            if code != 0:
                message = f"`{self.argv[0]}` ended with {code} when it was asked for the secret {name}"
                raise SecretError(f"{message}{_last_line(words.fileno(), value)}", help=_HELP, temporary=True)
        return value.removesuffix(b"\n").removesuffix(b"\r") or None

    def held(self, _project: str, /) -> tuple[Held, ...]:
        """Return nothing: it is asked by name only."""
        return ()

    def _asked(self, argv: list[str], words: int) -> tuple[int, bytes]:
        known = {name: os.environ[name] for name in (*_INHERITED, *self.environment) if name in os.environ}
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
                cwd="/",
                env=known,
                start_new_session=True,
            )
        except OSError as error:
            raise SecretError(f"can't start `{argv[0]}`: {error.strerror}", help=_HELP) from None
        with process:
            try:
                return _answer(process, self.timeout_seconds)
            except subprocess.TimeoutExpired:
                message = f"`{argv[0]}` has not answered within {self.timeout_seconds:g} s"
                raise SecretError(message, help=_HELP, temporary=True) from None
            finally:
                _end(process)


_HELP = "try the command of secrets.yaml by hand, as the daemon's user"


def _answer(process: "subprocess.Popen[bytes]", seconds: float) -> tuple[int, bytes]:
    """Return code and output; more than a secret can have is refused unread."""
    import selectors
    import time

    deadline, value = time.monotonic() + seconds, b""
    assert process.stdout is not None  # noqa: S101 - asked for above
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(max(0.0, deadline - time.monotonic())):
                raise subprocess.TimeoutExpired(process.args, seconds)
            block = os.read(process.stdout.fileno(), MAX_BYTES)
            if not block:
                break
            value += block
            if len(value) > MAX_BYTES + 2:
                raise SecretError(f"the secret has more than {MAX_BYTES} bytes", help=_HELP)
    return process.wait(max(0.0, deadline - time.monotonic())), value


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Leave nothing of it behind: it leads a group of its own, whose number can't be another's before it is reaped."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_line(words: int, value: bytes) -> str:
    size = os.fstat(words).st_size
    text = os.pread(words, 4096, max(0, size - 4096)).replace(value.strip() or b"\0", b"***").decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f": {lines[-1][:_LONGEST_WORDS]}" if lines else ""
