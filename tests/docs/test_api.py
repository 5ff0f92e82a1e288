"""docs/api.md is true: its examples run against a real daemon, its table of reasons is the daemon's."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if (_SHARED := str(Path(__file__).parents[1] / "daemon" / "shared")) not in sys.path:
    sys.path.append(_SHARED)

from harness.daemons import PACKAGE_ROOT, Daemon  # noqa: E402 - found only now
from harness.plans import a_plan, a_step, role, text_of, write  # noqa: E402

from tunewright.client.local import socket_target  # noqa: E402
from tunewright.daemon.errors import REASONS  # noqa: E402

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SAID = ("1 run_created", "succeeded", "there is no run 20261121-225549-ab12")


def test_reasons_are_those_of_the_daemon() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([A-Z_]+) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == {reason: code.name for reason, code in REASONS.items()}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A running daemon, with a spec beside its home."""
    daemon = Daemon(tmp_path_factory.mktemp("api") / "home")
    plan = a_plan(a_step("one", [write("m", "x"), role("model")]))
    daemon.home.with_name("life.yaml").write_text(text_of(plan))
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()


@pytest.mark.parametrize(
    ("example", "said"), list(zip(EXAMPLES, SAID, strict=True)), ids=["run", "event loop", "errors"]
)
def test_examples_run(daemon: Daemon, example: str, said: str) -> None:
    text, count = re.subn(r'^target = ".*"$', f"target = {socket_target(daemon.home)!r}", example, flags=re.MULTILINE)
    assert count == 1
    done = subprocess.run(
        [sys.executable, "-P", "-c", text],
        cwd=daemon.home.parent,
        env={"PYTHONPATH": PACKAGE_ROOT, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
