# ruff: noqa: S101 - a test suite asserts
"""A pytest suite that holds any runner, in any language, to docs/runner-contract.md.

    python -m tunewright.runners.conformance --runner COMMAND [--bundle-template FOLDER [--cancel-after KIND]]
                                             [pytest options]
    TUNEWRIGHT_RUNNER=COMMAND [TUNEWRIGHT_BUNDLE_TEMPLATE=FOLDER] pytest --pyargs tunewright.runners.conformance

COMMAND is what stands in front of the verbs: "python -P -m mine". The template is a folder with a step.json (`kind`,
`inputs`, `parameters`; the rest may be left out) and what it reads; it is copied for each test, `{bundle}` in step.json
becomes the copy's path. Its work should last some seconds, else cancelling it is skipped; it is cancelled after its
first event of KIND (`started` unless told).
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tunewright.runners import contract
from tunewright.runners.contract import Command, ExitCode, StepFile
from tunewright.runners.supervision import lock, record
from tunewright.runners.supervision.environment import as_entries, marks_of
from tunewright.runners.supervision.processes import carriers, kill_until_gone, read_row
from tunewright.runners.supervision.spawn import prepare_bundle, spawn_supervisor
from tunewright.spec.canonical import digest_of_tree

RUNNER_VARIABLE, TEMPLATE_VARIABLE = "TUNEWRIGHT_RUNNER", "TUNEWRIGHT_BUNDLE_TEMPLATE"
CANCEL_VARIABLE = "TUNEWRIGHT_CANCEL_AFTER"

_ANSWER_SECONDS = (
    60.0  # for a verb, on a slow machine; a runner that imports its engine first is too slow for `describe`
)
_WORK_SECONDS = 600.0

#: What an event of a core kind must say.
REQUIRED_FIELDS = {
    "phase": {"name"},
    "progress": {"done", "total", "unit"},
    "metric": {"step", "values"},
    "checkpoint": {"step", "path"},
    "artifact": {"role", "path"},
    "evaluation": {"suite", "metric", "value", "rows"},
    "data_report": {"data", "values"},
    "sample": {"prompt", "reply"},
    "summary": {"values"},
    "warning": {"code", "message"},
    "failure": {"reason", "message"},
    "watchdog": {"signal", "policy", "message"},
    "rollback": {"step", "signal", "checkpoint", "message"},
    "paused": {"reason", "message"},
    "ready": {"address"},
}

T = TypeVar("T")


def main(argv: list[str]) -> int:
    """Run the suite from the command line; return pytest's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tunewright.runners.conformance", description=__doc__)
    parser.add_argument("--runner", required=True, help="the command in front of describe, probe and run")
    parser.add_argument("--bundle-template", help="a folder with a step.json that the runner can do")
    parser.add_argument("--cancel-after", metavar="KIND", help="the event after which its work is cancelled")
    known, options = parser.parse_known_args(argv)
    os.environ[RUNNER_VARIABLE] = known.runner
    if known.bundle_template:
        os.environ[TEMPLATE_VARIABLE] = known.bundle_template
    if known.cancel_after:
        os.environ[CANCEL_VARIABLE] = known.cancel_after
    # No settings and no plugins but our own: where we are called must not change what conformance means.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(
        pytest.main(
            [__file__, "-c", os.devnull, "--rootdir", str(Path(__file__).parent), "-p", "no:cacheprovider", *options]
        )
    )


@pytest.fixture(scope="session")
def runner() -> list[str]:
    """Return the command that is under test."""
    command = shlex.split(os.environ.get(RUNNER_VARIABLE, ""))
    if not command:
        pytest.skip(f"set {RUNNER_VARIABLE} to the runner's command")
    return command


@pytest.fixture(scope="session")
def manifest(runner: list[str]) -> dict[str, Any]:
    """Return what `describe` says."""
    answer = ask(runner, "describe")
    assert answer.returncode == 0, answer.stderr
    value = json.loads(answer.stdout)
    assert isinstance(value, dict)
    return value


@pytest.fixture
def bundle(runner: list[str], tmp_path: Path) -> Iterator[Path]:
    """Return a bundle made from the template; whatever runs in it at the end is killed."""
    template = os.environ.get(TEMPLATE_VARIABLE)
    if not template:
        pytest.skip(f"set {TEMPLATE_VARIABLE} to a folder with a step.json to see it work")
    made = tmp_path / "bundle"
    shutil.copytree(template, made)
    fields = json.loads((made / contract.STEP).read_text(encoding="utf-8").replace("{bundle}", str(made)))
    fields.setdefault("command", {"argv": [*runner, "run", str(made)], "env": {}})
    if "PYTHONPATH" in os.environ:
        fields["command"]["env"].setdefault("PYTHONPATH", os.environ["PYTHONPATH"])
    step = StepFile.from_json({"contract_version": 1, "run": "conformance", "step": "s", "attempt": 1, **fields})
    prepare_bundle(made, step)
    yield made
    contract.write_durably(made / contract.CANCEL, {"mode": "now", "reason": "the test is over"})
    until(lambda: not lock.held(made))
    kill_until_gone(lambda: left_over(made), 10)


def test_describe_is_a_manifest(manifest: dict[str, Any]) -> None:
    assert isinstance(manifest["name"], str)
    assert isinstance(manifest["version"], str)
    assert manifest["kinds"]
    assert all(isinstance(kind, str) for kind in manifest["kinds"])
    assert contract.CONTRACT_VERSION in manifest["contract_versions"]
    assert isinstance(manifest["capabilities"], list)
    assert isinstance(manifest["parameters_schema"], dict)


def test_probe_says_whether_the_machine_is_fit(runner: list[str]) -> None:
    answer = ask(runner, "probe")
    assert answer.returncode in (ExitCode.OK, ExitCode.UNAVAILABLE), answer.stderr
    assert json.loads(answer.stdout)["ok"] is (answer.returncode == ExitCode.OK)


def test_without_a_verb_it_says_what_it_is(runner: list[str]) -> None:
    answer = ask(runner)
    assert answer.returncode == ExitCode.NOT_UNDERSTOOD
    assert 1 <= len(answer.stderr.strip().splitlines()) <= 3
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("content", [None, "", "not json", "[]", "{}", '{"contract_version": 1}'])
def test_a_bad_bundle_is_not_understood(runner: list[str], tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / contract.STEP).write_text(content, encoding="utf-8")
    refused(ask(runner, "run", str(tmp_path)))


def test_a_missing_bundle_is_not_understood(runner: list[str], tmp_path: Path) -> None:
    refused(ask(runner, "run", str(tmp_path / "nowhere")))


def test_another_kind_is_not_understood(runner: list[str], tmp_path: Path) -> None:
    refused(ask(runner, "run", str(small_bundle(tmp_path, kind="conformance.unknown"))))


def test_another_contract_is_not_understood(runner: list[str], manifest: dict[str, Any], tmp_path: Path) -> None:
    made = small_bundle(tmp_path, kind=manifest["kinds"][0], contract_version=max(manifest["contract_versions"]) + 1)
    refused(ask(runner, "run", str(made)))


def test_a_cancel_before_the_start_is_heeded(runner: list[str], manifest: dict[str, Any], tmp_path: Path) -> None:
    made = small_bundle(tmp_path, kind=manifest["kinds"][0])
    contract.write_durably(made / contract.CANCEL, {"mode": "graceful", "reason": "conformance"})
    assert ask(runner, "run", str(made)).returncode == ExitCode.CANCELLED


def test_the_work_succeeds_and_tells_its_events_in_order(bundle: Path) -> None:
    spawn_supervisor(bundle)
    service = contract.read_step(bundle).service
    if service:
        until(lambda: any(event["kind"] == "ready" for event in events_of(bundle)) or exit_of(bundle))
        cancel(bundle)
    ended = until(lambda: exit_of(bundle))
    assert (ended.code, ended.reason) == (
        (ExitCode.CANCELLED, "CANCELLED") if service else (ExitCode.OK, "SUCCEEDED")
    ), ended
    assert ended.outputs is not None
    assert ended.outputs.digest == digest_of_tree(bundle / contract.OUTPUTS)
    check_events(bundle)
    assert any(event["kind"] == "artifact" for event in events_of(bundle)) or ended.outputs.files == 0


def test_a_cancel_while_it_works_ends_it_within_its_grace(bundle: Path) -> None:
    spawn_supervisor(bundle)
    kind = os.environ.get(CANCEL_VARIABLE, "started")
    until(lambda: any(event["kind"] == kind for event in events_of(bundle)) or exit_of(bundle))
    cancel(bundle)
    ended = until(lambda: exit_of(bundle))
    if ended.code == ExitCode.OK:
        pytest.skip("the template's work is too short to be cancelled")
    # After its grace it would have been killed by a signal.
    assert (ended.code, ended.reason, ended.signal) == (ExitCode.CANCELLED, "CANCELLED", None), ended
    check_events(bundle)
    assert left_over(bundle) == []


def test_a_killed_runner_leaves_nothing_behind(bundle: Path) -> None:
    spawn_supervisor(bundle)
    until(lambda: events_of(bundle) or exit_of(bundle))
    _, process = record.read_processes(bundle)
    if process is None or exit_of(bundle) is not None:
        pytest.skip("the template's work is too short to be killed")
    os.kill(process.pid, signal.SIGKILL)
    ended = until(lambda: exit_of(bundle))
    assert (ended.signal, ended.reason) == (signal.SIGKILL, "KILLED"), ended
    assert left_over(bundle) == []


def test_it_dies_with_its_supervisor(bundle: Path) -> None:
    supervisor = spawn_supervisor(bundle)
    until(lambda: events_of(bundle) or exit_of(bundle))
    _, process = record.read_processes(bundle)
    if process is None or exit_of(bundle) is not None:
        pytest.skip("the template's work is too short to be killed")
    supervisor.kill()
    supervisor.wait(_ANSWER_SECONDS)
    until(lambda: not process.alive())


def ask(runner: list[str], *verb: str) -> "subprocess.CompletedProcess[str]":
    """Call a verb of the runner and return what it answered."""
    return subprocess.run([*runner, *verb], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)


def refused(answer: "subprocess.CompletedProcess[str]") -> None:
    """Hold that a bundle was refused with a sentence."""
    assert answer.returncode == ExitCode.NOT_UNDERSTOOD, answer
    assert answer.stderr.strip()
    assert "Traceback" not in answer.stderr


def small_bundle(path: Path, *, kind: str, contract_version: int = contract.CONTRACT_VERSION) -> Path:
    """Write a bundle with nothing to do in it."""
    step = StepFile(
        contract_version=contract_version, run="conformance", step="s", attempt=1, kind=kind, inputs={}, parameters={},
        command=Command(argv=()),
    )  # fmt: skip
    prepare_bundle(path, step)
    return path


def check_events(bundle: Path) -> None:
    """Hold the rules of events.jsonl: `started` first, counted from 1 without a gap, times with a zone, all fields."""
    content = (bundle / contract.EVENTS).read_bytes()
    assert content.endswith(b"\n")
    assert max(map(len, content.splitlines())) <= contract.MAX_EVENT_BYTES
    events = events_of(bundle)
    assert events[0]["kind"] == "started"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert datetime.fromisoformat(event["time"]).utcoffset() is not None, event
        assert event.keys() >= REQUIRED_FIELDS.get(event["kind"], set()), event


def events_of(bundle: Path) -> list[dict[str, Any]]:
    """Return the whole lines of events.jsonl."""
    try:
        content = (bundle / contract.EVENTS).read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def exit_of(bundle: Path) -> record.ExitRecord | None:
    """Return the exit record when the supervisor is done."""
    if lock.held(bundle) or not (bundle / contract.EXIT).exists():
        return None
    return record.ExitRecord.from_json(json.loads((bundle / contract.EXIT).read_bytes()))


def cancel(bundle: Path) -> None:
    """Ask for a graceful end."""
    contract.write_durably(bundle / contract.CANCEL, {"mode": "graceful", "reason": "conformance"})


def left_over(bundle: Path) -> list[int]:
    """Return the living processes of the attempt."""
    pids = carriers(as_entries(marks_of(str(bundle), contract.read_step(bundle))))
    return [pid for pid in pids if (row := read_row(pid)) is not None and row.state != "Z"]


def until(condition: Callable[[], T | None]) -> T:
    """Return the first true value of `condition`; fail after the time that real work may take."""
    deadline = time.monotonic() + _WORK_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "the runner does not get there"
        time.sleep(0.02)
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
