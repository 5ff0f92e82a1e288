"""A daemon for this user's home: the one that listens there, or a private one started now."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tunewright import __version__
from tunewright.client.api import Client, connect
from tunewright.client.errors import ClientError, UnreachableError

START_TIMEOUT_SECONDS = 20.0
_PROBE_SECONDS = 2.0
_POLL_SECONDS = 0.02
_RACE_SECONDS = 3.0
_TAIL_BYTES = 2000


def socket_target(home: Path) -> str:
    """Return the gRPC target of the daemon that owns `home`."""
    return f"unix:{(home / 'daemon.sock').resolve()}"


def ensure_daemon(home: Path, *, start_timeout_seconds: float = START_TIMEOUT_SECONDS) -> Client:
    """Return a client of the daemon that owns `home`; start a private one, detached, where none answers.

    A private daemon of another version that has nothing to do is replaced. Raises UnreachableError with the end of the
    daemon's log when it dies or does not come up in time.
    """
    client = _answering(home)
    if client is not None and not _outdated(client):
        return client
    if client is not None:
        _replace(client, home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = home / "daemon.log"
    start = log.stat().st_size if log.exists() else 0
    process = _spawn(home, log)
    deadline = time.monotonic() + start_timeout_seconds
    ended = None
    while time.monotonic() < deadline:
        client = _answering(home)
        if client is not None:
            return client
        if ended is None and (ended := process.poll()) is not None:
            # It may have lost a race for the home: then the winner answers soon.
            deadline = min(deadline, time.monotonic() + _RACE_SECONDS)
        time.sleep(_POLL_SECONDS)
    raise UnreachableError(_why(log, start, ended), target=socket_target(home))


def _spawn(home: Path, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tunewright.daemon", "--home", str(home.absolute()), "--private"],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            # The daemon outlives this command: it must not keep the user's folder busy.
            cwd=home,
            env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": _import_path()},
        )


def _import_path() -> str:
    """Relative entries of PYTHONPATH would mean something else in the daemon's folder."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(str(Path(entry).absolute()) for entry in entries if entry)


def _answering(home: Path) -> Client | None:
    if not (home / "daemon.sock").exists():
        return None
    client = connect(socket_target(home))
    try:
        client.server_info(timeout_seconds=_PROBE_SECONDS)
    except ClientError:
        client.close()
        return None
    return client


def _outdated(client: Client) -> bool:
    found = client.server_info()
    return found.private and found.version != __version__ and found.active_runs == 0


def _replace(client: Client, home: Path) -> None:
    client.shutdown()
    client.close()
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while (home / "daemon.sock").exists() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _why(log: Path, start: int, ended: int | None) -> str:
    with log.open("rb") as stream:
        stream.seek(start)
        tail = stream.read()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
    what = "did not answer in time" if ended is None else f"ended with code {ended}"
    return f"the private daemon {what}; the end of {log}:\n{tail}"
