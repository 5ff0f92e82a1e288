"""Real daemons to be measured: started, asked whether they serve, ended; and what the kernel says of a process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from control_plane.world import World
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tunewright.client.api import Client, connect
from tunewright.client.local import socket_target

_PATIENCE_SECONDS = 60.0
_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


class DaemonEndedError(RuntimeError):
    """A daemon ended, or did not come up; the text is the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon that serves; `ready_seconds` is how long that took from the start of its process."""

    world: World
    pid: int
    ready_seconds: float

    @property
    def target(self) -> str:
        """Its Unix socket."""
        return socket_target(self.world.home)

    def client(self) -> Client:
        """Return the typed client."""
        return connect(self.target)

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""
        return cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Return its resident memory."""
        return resident_bytes(self.pid)


@contextmanager
def daemon(world: World, *arguments: str) -> Iterator[Daemon]:
    """Run a daemon until the end of the block; runners are ended with it."""
    log = world.folder / "daemon.log"
    command = [sys.executable, "-P", "-m", "tunewright.daemon", "--home", str(world.home), *arguments]
    started = time.perf_counter()
    with log.open("ab") as stream:
        process = subprocess.Popen(command, env=world.environment, stdout=stream, stderr=stream)
    try:
        _wait_until_serving(process, world, log)
        yield Daemon(world=world, pid=process.pid, ready_seconds=time.perf_counter() - started)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_runs(client: Client, runs: Sequence[str]) -> None:
    """Cancel runs at once and wait until nothing of them is left."""
    for run in runs:
        client.cancel(run, mode="now")
    wait_until(lambda: all(client.get_run(run).run.ended for run in runs))


def wait_until(condition: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait until a condition holds; raise TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.005)


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_SECONDS


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _wait_until_serving(process: "subprocess.Popen[bytes]", world: World, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _serves(world.home):
        if process.poll() is not None or time.monotonic() > deadline:
            raise DaemonEndedError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
        time.sleep(0.01)


def _serves(home: Path) -> bool:
    if not (home / "daemon.sock").exists():
        return False
    with grpc.insecure_channel(socket_target(home), options=(("grpc.enable_http_proxy", 0),)) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
