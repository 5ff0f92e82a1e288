"""Work beside the daemon: what it answers and raises comes back whole, and its process never outlives its use."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness.daemons import eventually

from tunewright.daemon.aside import Aside
from tunewright.daemon.compile import Submitted, compile_with
from tunewright.daemon.errors import RefusedError

#: What a daemon that has nothing to do carries for nothing: languages, forms, ciphers, the command line.
NOT_FOR_AN_IDLE_DAEMON = {
    "click", "cryptography", "jinja2", "jwt", "numpy", "pydantic", "pydantic_core", "rich", "sqlite_utils", "torch",
    "tunewright.client", "tunewright.compiler.front", "tunewright.compiler.rules", "tunewright.spec.model",
    "urllib.request", "yaml",
}  # fmt: skip


@pytest.fixture
def aside() -> Iterator[Aside]:
    """Processes that are ended after the test."""
    aside = Aside(idle_seconds=60.0)
    try:
        yield aside
    finally:
        aside.close()


def children() -> set[int]:
    """Return the processes that any thread of ours has started and that are still in the table, zombies too."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def submitted(folder: Path, text: str = "name: [") -> Submitted:
    return Submitted(text=text, path="life.yaml", base_directory=folder, profile=None, sets=())


def test_same_process_answers_again(aside: Aside) -> None:
    first, second = aside.call("os:getpid"), aside.call("os:getpid")
    assert first == second != os.getpid()


def test_errors_come_whole(aside: Aside, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        aside.call("os:listdir", str(tmp_path / "missing"))
    (tmp_path / "policy.yaml").mkdir()
    compile_spec = compile_with(tmp_path, tmp_path / "environments", aside=aside)
    with pytest.raises(RefusedError) as refused:
        compile_spec(submitted(tmp_path))
    assert refused.value.reason == "POLICY_UNREADABLE"
    (tmp_path / "policy.yaml").rmdir()
    compiled = compile_spec(submitted(tmp_path))
    assert compiled.plan is None
    assert compiled.diagnostics[0].primary.span.source.text == "name: ["


def test_killed_process_is_replaced_and_what_it_printed_is_no_answer(aside: Aside) -> None:
    first = aside.call("os:getpid")
    os.kill(first, signal.SIGKILL)
    assert aside.call("builtins:print", "hello") is None
    assert aside.call("os:getpid") != first


def test_nobody_asks_any_more() -> None:
    before = children()
    aside = Aside(idle_seconds=0.2)
    pid = aside.call("os:getpid")
    assert children() - before == {pid}
    eventually(lambda: children() == before)
    assert aside.call("os:getpid") != pid
    aside.close()
    assert children() == before


def test_it_ends_with_the_daemon() -> None:
    script = (
        "from tunewright.daemon.aside import Aside; import os; a = Aside(); print(a.call('os:getpid')); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    eventually(lambda: not Path(f"/proc/{int(done.stdout)}/cmdline").exists())


def test_idle_daemon_carries_nothing_that_it_does_not_use() -> None:
    script = "import sys, tunewright.daemon.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert not NOT_FOR_AN_IDLE_DAEMON & set(done.stdout.split())
