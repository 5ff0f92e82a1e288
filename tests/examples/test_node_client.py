"""The .proto files are enough: a client in another language submits, watches over a restart, and cancels."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if (_SHARED := str(Path(__file__).parents[1] / "daemon" / "shared")) not in sys.path:
    sys.path.append(_SHARED)

from collections.abc import Iterator  # noqa: E402

from harness.daemons import Daemon, eventually  # noqa: E402 - found only now
from harness.plans import a_plan, a_step, text_of, write  # noqa: E402

from tunewright.client.local import socket_target  # noqa: E402

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "clients" / "node"
WAIT = {"wait_for": "work/go"}


@pytest.fixture(scope="module")
def example(request: pytest.FixtureRequest) -> Path:
    """The example with its packages, installed once into pytest's cache."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("THE NODE EXAMPLE IS NOT TESTED: it takes Node 20 and npm (apt install nodejs npm)")
    folder = Path(str(request.config.cache.mkdir("node-client")))  # type: ignore[union-attr]
    for name in ("package.json", "package-lock.json", "tunewright.mjs"):
        shutil.copy(EXAMPLE / name, folder / name)
    if not (folder / "node_modules" / "@grpc" / "grpc-js").is_dir():
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"THE NODE EXAMPLE IS NOT TESTED: npm has no packages here: {done.stderr[-300:]}")
    return folder


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A running daemon."""
    daemon = Daemon(tmp_path / "home")
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()


def node(example: Path, daemon: Daemon, *words: str) -> "subprocess.Popen[str]":
    """Start the example."""
    environment = {
        **os.environ,
        "TUNEWRIGHT_DAEMON": socket_target(daemon.home),
        "TUNEWRIGHT_PROTOS": str(ROOT / "proto"),
    }
    return subprocess.Popen(
        ["node", "tunewright.mjs", *words],
        cwd=example, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def said(process: "subprocess.Popen[str]", code: int = 0) -> str:
    """Return what it printed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return out if code == 0 else err


def test_it_submits_watches_over_a_restart_and_cancels(example: Path, daemon: Daemon, tmp_path: Path) -> None:
    spec = tmp_path / "life.yaml"
    spec.write_text(text_of(a_plan(a_step("one", [write("f", "x")]), a_step("long", [WAIT], needs=["one"]))))
    name = said(node(example, daemon, "submit", str(spec))).strip()
    run = name.removeprefix("runs/")
    watching = node(example, daemon, "watch", name)
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("long").state == "running")
    daemon.kill()
    daemon.start()
    assert said(node(example, daemon, "cancel", name)).strip() == "RUN_STATE_CANCELLING"
    assert daemon.finish(run).state == "cancelled"
    events = [json.loads(line) for line in said(watching).splitlines()]
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["kind"], events[-1]["kind"]) == ("run_created", "run_cancelled")
    assert events[0]["body"]["name"] == "quick"


def test_refusals_are_printed_as_the_daemon_says_them(example: Path, daemon: Daemon) -> None:
    assert said(node(example, daemon, "watch", "runs/nope"), 1) == "NOT_FOUND: there is no run nope\n"
