"""Attempts in bundles of their own: real supervisors, real runners, nothing left behind."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tunewright
from tunewright.daemon import supervise
from tunewright.runners.contract import Command, StepFile
from tunewright.runners.supervision.record import read_processes

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
FAKE = (sys.executable, "-P", "-m", "tunewright.runners.fake")


def eventually(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Return the first true value of `condition`; fail after a deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.005)
    return value


class Bundle:
    """One attempt under test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.eventually = eventually

    def step(self, script: list[dict[str, Any]] | None = None, **more: Any) -> StepFile:
        command = Command(argv=(*FAKE, "run", str(self.path)), env={"PYTHONPATH": PACKAGE_ROOT})
        fields = {"run": "r1", "step": "s1", "attempt": 1, "kind": "fake", "inputs": {}, "command": command}
        return StepFile(**{**fields, "parameters": {"script": script or []}, **more})

    def launch(self, script: list[dict[str, Any]] | None = None, **more: Any) -> None:
        supervise.launch(self.path, self.step(script, **more))

    def finish(self) -> supervise.ExitRecord:
        state = eventually(lambda: None if isinstance(s := supervise.probe(self.path), supervise.Running) else s)
        assert isinstance(state, supervise.Exited), (state, self.supervisor_log())
        return state.exit

    def play(self, script: list[dict[str, Any]] | None = None, **more: Any) -> supervise.ExitRecord:
        self.launch(script, **more)
        return self.finish()

    def events(self) -> list[supervise.Event]:
        return supervise.read_events(self.path, 0, 1_000_000)[0]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events()]

    def reached(self, phase: str) -> None:
        """Wait until the runner has emitted a phase of this name."""
        eventually(lambda: any(event.fields.get("name") == phase for event in self.events()))

    def supervisor(self) -> int:
        return eventually(lambda: read_processes(self.path)[0]).pid

    def runner(self) -> int:
        return eventually(lambda: read_processes(self.path)[1]).pid

    def orphan(self) -> int:
        path = self.path / "work" / "orphan.pid"
        return int(eventually(lambda: path.exists() and path.read_text()))

    def supervisor_log(self) -> str:
        return (self.path / "supervisor.log").read_text()

    def text(self, name: str) -> str:
        return (self.path / name).read_text()


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[Bundle]:
    made = Bundle(tmp_path / "bundle")
    yield made
    if isinstance(supervise.probe(made.path), supervise.Running):
        supervise.request_cancel(made.path, "now", "the test is over")
        eventually(lambda: not isinstance(supervise.probe(made.path), supervise.Running))
    supervise.kill_leftovers(made.path)
