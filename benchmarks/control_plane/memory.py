"""Resident memory of a daemon with nothing to do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from control_plane.processes import Daemon, daemon, wait_until
from control_plane.table import Row
from control_plane.tls import add_tls
from control_plane.world import make_world

from tunewright.client.api import connect

PROMISED_BYTES = 80e6
_BARE = (
    "import asyncio, grpc.aio, sqlite3; from tunewright.proto.v1 import run_service_pb2_grpc;"
    "print(open('/proc/self/statm').read().split()[1])"
)


def measure(folder: Path) -> Iterator[Row]:
    """Measure a plain daemon, one with TLS and an access file, and each after it has compiled a spec and run it."""
    bare = _bare_bytes()
    with daemon(make_world(folder / "plain", "exit 1")) as running:
        yield _row("plain", running, bare)
        _work(running)
        yield _row("plain, after a run", running, bare)
    credentials, access = add_tls(folder / "site")
    with daemon(make_world(folder / "tls", "exit 1"), "--access", str(access)) as running:
        with running.client() as client:
            address = client.server_info().addresses[-1]
        with connect(address, credentials=credentials) as remote:
            list(remote.list_runs())
        yield _row("mutual TLS and access file", running, bare)
        _work(running)
        yield _row("mutual TLS and access file, after a run", running, bare)


def _work(running: Daemon) -> None:
    with running.client() as client:
        run = client.create_run(running.world.source("compiled")).run.id
        wait_until(lambda: client.get_run(run).run.ended)


def _row(what: str, running: Daemon, bare: int) -> Row:
    size = running.resident_bytes()
    return Row(
        what=f"idle memory, {what}",
        measured=f"{size / 1e6:.0f} MB",
        raw=f"{bare / 1e6:.0f} MB (Python, gRPC, SQLite)",
        ratio=size / bare,
        promised=f"<= {PROMISED_BYTES / 1e6:.0f} MB",
        kept=size <= PROMISED_BYTES,
    )


def _bare_bytes() -> int:
    done = subprocess.run([sys.executable, "-P", "-c", _BARE], check=True, capture_output=True, text=True)
    return int(done.stdout) * 4096
