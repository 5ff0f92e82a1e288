"""What goes wrong while a step works: the run says why, what was done is whole, and the rest can be done again."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness.daemons import Daemon
from harness.plans import a_plan, a_step, write

from tunewright.compiler.ir.plan import Limits

MIB = 2**20
SILENT = [{"emit": {"kind": "phase", "name": "training"}}, {"ignore_term": True}, {"hang": 600}]
NAN = {"reason": "NAN_LOSS", "message": "the loss is not a number at step 12", "help": "lower learning_rate"}


@pytest.fixture
def small_disk(stopped_daemon: Daemon) -> Iterator[Path]:
    """A disk of two megabytes, on which the daemon's bundles lie."""
    folder = stopped_daemon.home / "bundles"
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount here")
    yield folder
    stopped_daemon.clean_up()
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def assert_fails_alone(
    daemon: Daemon, script: Sequence[Mapping[str, Any]], reason: str, words: str, **limits: Any
) -> None:
    """Run base -> sft -> exam where sft fails; then again with an sft that works."""
    base = a_step("base", [write("model", "m" * 1000)])
    bad = a_step("sft", script, needs=["base"], limits=Limits(grace_seconds=0.5, retries=0, **limits))
    run = daemon.finish(daemon.submit(a_plan(base, bad, a_step("exam", needs=["sft"]))).run.id)

    assert {step.step: step.state for step in run.steps} == {"base": "succeeded", "sft": "failed", "exam": "skipped"}
    assert run.failure is not None
    assert (run.failure.step, run.failure.reason) == ("sft", reason)
    assert words in run.failure.message + run.failure.help
    assert "Traceback" not in run.failure.message
    (left,) = daemon.client.artifacts(run=run.id)
    assert daemon.client.get_artifact(left.digest).intact
    assert daemon.log.count("Traceback") == 0

    good = a_step("sft", [write("adapter", "a")], needs=["base"])
    again = daemon.finish(daemon.submit(a_plan(base, good, a_step("exam", needs=["sft"]))).run.id)
    assert [step.state for step in again.steps] == ["reused", "succeeded", "succeeded"]


@pytest.mark.parametrize(
    ("script", "limits", "reason", "words"),
    [
        (SILENT, {"stall_seconds": 0.5}, "STALLED", "no event for 0.5 s"),
        (SILENT, {"total_seconds": 0.5}, "DEADLINE", "not done within 0.5 s"),
        ([{"fail": NAN}], {}, "NAN_LOSS", "lower learning_rate"),
        ([{"limit_memory": 300 * MIB}, {"allocate": 400 * MIB}], {}, "OUT_OF_MEMORY", "smaller batch"),
        ([{"raise_signal": int(signal.SIGKILL)}], {}, "KILLED", ""),
        ([{"raise_signal": int(signal.SIGSEGV)}], {}, "CRASHED", ""),
    ],
    ids=["hung", "too-long", "not-a-number", "out-of-memory", "killed", "crashed"],
)
def test_step_fails_with_its_reason(
    daemon: Daemon, script: Sequence[Mapping[str, Any]], limits: Mapping[str, float], reason: str, words: str
) -> None:
    assert_fails_alone(daemon, script, reason, words, **limits)


def test_disk_that_fills_up_while_a_checkpoint_is_written(stopped_daemon: Daemon, small_disk: Path) -> None:
    daemon = stopped_daemon.start()
    checkpoint = {"fill": {"path": "work/checkpoint.tmp", "bytes": 8 * MIB}}
    assert_fails_alone(daemon, [checkpoint], "DISK_FULL", "free space")
