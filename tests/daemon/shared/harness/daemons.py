"""Start, kill and restart real daemons on a home of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.plans import text_of

import tunewright
from tunewright.client.api import Client, connect
from tunewright.client.errors import ClientError
from tunewright.client.local import socket_target
from tunewright.client.values import CreatedRun, Run, RunEvent, SpecSource
from tunewright.compiler.ir.plan import Plan
from tunewright.daemon import supervise

PLAN_DAEMON = Path(__file__).with_name("plan_daemon.py")
PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])


def eventually(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Return the first true value of `condition`; fail after a deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.01)
    return value


@dataclass
class Daemon:
    """A daemon process and its home."""

    home: Path
    process: "subprocess.Popen[bytes] | None" = None
    clients: list[Client] = field(default_factory=list)

    def start(
        self,
        *arguments: str,
        crash_at: str = "",
        program: tuple[str, ...] = ("-P", str(PLAN_DAEMON)),
        package: str = PACKAGE_ROOT,
    ) -> "Daemon":
        """Start it and return when it answers, or has ended. `package` is the folder that Tunewright lies in."""
        environment = {**os.environ, "PYTHONPATH": package, "CRASH_AT": crash_at}
        self.home.mkdir(exist_ok=True)
        with (self.home / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, "--home", str(self.home), *arguments], env=environment, stderr=log
            )
        eventually(lambda: self.ended() or self.answers())
        return self

    def answers(self) -> bool:
        """Answer whether it takes calls."""
        try:
            with connect(socket_target(self.home)) as client:
                return client.server_info(timeout_seconds=1.0).pid == self.pid
        except ClientError:
            return False

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def ended(self) -> bool:
        """Answer whether the process is gone."""
        assert self.process is not None
        return self.process.poll() is not None

    def wait(self, seconds: float = 90.0) -> int:
        """Return its exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    @property
    def client(self) -> Client:
        """A new client."""
        client = connect(socket_target(self.home))
        self.clients.append(client)
        return client

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.home / "daemon.log").read_text()

    def submit(self, plan: Plan, **more: Any) -> CreatedRun:
        """Create a run of a plan."""
        return self.client.create_run(source_of(plan), **more)

    def finish(self, run: str) -> Run:
        """Return a run when it has ended."""
        client = self.client
        return eventually(lambda: (found := client.get_run(run).run).ended and found, 180.0)

    def events(self, run: str) -> list[RunEvent]:
        """Return the log of a run after checking that it has no gap."""
        found = list(self.client.list_events(run))
        assert [event.sequence for event in found] == list(range(1, len(found) + 1))
        return found

    def bundle(self, run: str, step: str, attempt: int = 1) -> Path:
        """Return the folder of an attempt."""
        return self.home / "bundles" / run / step / str(attempt)

    def clean_up(self) -> None:
        """End everything that was started here."""
        for client in self.clients:
            client.close()
        if self.process is not None and not self.ended():
            self.kill()
        bundles = [path.parent for path in self.home.glob("bundles/*/*/*/step.json")]
        for bundle in bundles:
            if isinstance(supervise.probe(bundle), supervise.Running):
                supervise.request_cancel(bundle, "now", "the test is over")
        for bundle in bundles:
            eventually(lambda bundle=bundle: not isinstance(supervise.probe(bundle), supervise.Running))


def source_of(plan: Plan) -> SpecSource:
    """Return the source that stands for a plan."""
    return SpecSource(text=text_of(plan), path="life.yaml", base_directory="/")
