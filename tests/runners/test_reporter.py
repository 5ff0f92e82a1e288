"""Events on a disk without room: none is half another, and what failed is said where there is room."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tunewright
from tunewright.runners import contract

SCRIPT = """
import resource, sys
from pathlib import Path
from tunewright.runners.sdk import Manifest, main

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def work(step, bundle, report):
    report.phase("first")
    limit((bundle / "events.jsonl").stat().st_size + 10)  # stands for a disk that fills up in the middle of a line
    try:
        report.phase("second")
    except OSError:
        limit(resource.RLIM_INFINITY)
        report.phase("third")
    if step.parameters["stays_full"]:
        limit((bundle / "events.jsonl").stat().st_size + 10)
        report.phase("fourth")

main(Manifest(name="writer", version="1", kinds=("writer",)), work)
"""


def finished(bench: Any, name: str, *, stays_full: bool) -> tuple[int, list[bytes], str]:
    bundle = bench.bundle(name, "writer", {}, {"stays_full": stays_full})
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, "run", str(bundle)],
        env={"PYTHONPATH": str(Path(tunewright.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (bundle / contract.EVENTS).read_bytes().splitlines(), done.stderr


def test_a_torn_event_spoils_no_other(bench: Any) -> None:
    code, lines, stderr = finished(bench, "torn", stays_full=False)
    assert code == 0, stderr
    started, first, torn, third, done = lines
    assert [json.loads(line)["kind"] for line in (started, first, third, done)] == ["started", *["phase"] * 3]
    assert len(torn) == 10
    assert json.loads(third)["name"] == "third"


def test_what_no_event_can_say_is_said_on_stderr(bench: Any) -> None:
    code, _, stderr = finished(bench, "full", stays_full=True)
    assert code == contract.ExitCode.FAILED
    assert stderr.startswith("the disk is full: [Errno 28] No space left on device")
    assert "Traceback" not in stderr
