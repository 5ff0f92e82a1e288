"""Hand one message to a program of the site's: an argument list without a shell, JSON on standard input, an end."""

import asyncio
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from tunewright.daemon.alerts.settings import Command
from tunewright.daemon.alerts.webhook import DeliveryError

_log = logging.getLogger(__name__)

_PATH = "/usr/local/bin:/usr/bin:/bin"
_MOST_SAID = 2000


async def hand_over(command: Command, identifier: str, body: bytes) -> None:
    """Run the program; raise DeliveryError when it does not end with 0 within the time.

    What it says on standard error goes to the daemon's log, up to a bound: it may be anything.
    """
    given = {name: os.environ[name] for name in command.environment if name in os.environ}
    variables = {"PATH": _PATH, "LANG": "C.UTF-8", **given, "TUNEWRIGHT_ALERT": identifier}
    try:
        process = await asyncio.create_subprocess_exec(
            *command.argv, stdin=PIPE, stdout=DEVNULL, stderr=PIPE, env=variables, cwd="/", start_new_session=True
        )
    except OSError as error:
        raise DeliveryError("its program can't be started", detail=f"{command.argv[0]}: {error.strerror}") from None
    try:
        async with asyncio.timeout(command.timeout_seconds):
            said = await _talk(process, body)
            code = await process.wait()
    except TimeoutError:
        _kill(process)
        await process.wait()
        raise DeliveryError(f"it did not end within {command.timeout_seconds:g} s") from None
    except asyncio.CancelledError:
        _kill(process)
        raise
    if code:
        _log.warning("%s for alert %s: %s", command.argv[0], identifier, said.decode("utf-8", "replace"))
        raise DeliveryError(f"it ended with {code}")


def _kill(process: Process) -> None:
    """It and what it started: they are one group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _talk(process: Process, body: bytes) -> bytes:
    """Write the message and read what is said, both at once: a program may talk before it listens."""
    if process.stdin is None or process.stderr is None:
        raise LookupError("the program was started without pipes")
    _, said = await asyncio.gather(_tell(process.stdin, body), _listen(process.stderr))
    return said


async def _tell(stdin: asyncio.StreamWriter, body: bytes) -> None:
    """A program that does not want to know has its own reasons: its exit code counts."""
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(body)
        await stdin.drain()
    stdin.close()


async def _listen(stderr: asyncio.StreamReader) -> bytes:
    """Read until the end, keeping only the beginning."""
    said = b""
    while chunk := await stderr.read(65_536):
        said += chunk[: _MOST_SAID - len(said)]
    return said
