"""Runs from the outside: what happens to steps, artifacts and gates when everything is real but the work."""

import json
import os
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_gate, a_plan, a_shell_step, a_step, metrics, role, write

from tunewright.compiler.ir.plan import Limits, Process
from tunewright.runners.supervision.record import read_processes
from tunewright.spec.canonical import digest_of_tree

WAIT = {"wait_for": "work/go"}


def kinds(daemon: Daemon, run: str) -> list[str]:
    return [event.kind for event in daemon.events(run)]


def go_on(daemon: Daemon, run: str, step: str, attempt: int = 1) -> None:
    """Let a step that waits go on."""
    work = daemon.bundle(run, step, attempt) / "work"
    eventually(work.is_dir)
    (work / "go").touch()


def test_steps_run_in_order_and_leave_artifacts(daemon: Daemon) -> None:
    plan = a_plan(
        a_step("base", [write("model.txt", "weights"), role("model")]),
        a_step("tuned", [write("adapter.txt", "delta"), role("adapter")], needs=["base"]),
    )
    run = daemon.finish(daemon.submit(plan).run.id)

    assert run.state == "succeeded"
    assert [step.state for step in run.steps] == ["succeeded", "succeeded"]
    artifacts = {item.step: item for item in daemon.client.artifacts(run=run.id)}
    assert {name: item.role for name, item in artifacts.items()} == {"base": "model", "tuned": "adapter"}
    folder = Path(artifacts["base"].path)
    assert (folder / "model.txt").read_text() == "weights"
    assert digest_of_tree(folder) == artifacts["base"].digest == run.step("base").artifact
    assert not (folder / "model.txt").stat().st_mode & stat.S_IWUSR
    step_file = json.loads((daemon.bundle(run.id, "tuned") / "step.json").read_text())
    assert step_file["inputs"]["from_base"]["path"] == str(folder)
    assert step_file["inputs"]["from_base"]["digest"] == artifacts["base"].digest
    order = [(event.kind, event.step) for event in daemon.events(run.id) if event.kind.startswith(("run_", "step_"))]
    assert order == [
        ("run_created", ""),
        ("run_started", ""),
        ("step_started", "base"),
        ("step_running", "base"),
        ("step_succeeded", "base"),
        ("step_started", "tuned"),
        ("step_running", "tuned"),
        ("step_succeeded", "tuned"),
        ("run_succeeded", ""),
    ]


def test_second_run_reuses_everything_and_launches_nothing(daemon: Daemon) -> None:
    plan = a_plan(
        a_step("exam", [metrics({"routing": {"exact": 0.875}}), role("evaluation")]),
        a_gate("gate", ["exam.routing.exact >= 0.5"], needs=["exam"]),
        a_step("pack", [write("packed", "p")], needs=["exam", "gate"]),
    )
    first = daemon.finish(daemon.submit(plan).run.id)
    created = daemon.submit(plan)
    second = daemon.finish(created.run.id)

    assert first.state == second.state == "succeeded"
    assert [action.action for action in created.actions] == ["reuse", "reuse", "reuse"]
    assert [step.state for step in second.steps] == ["reused", "reused", "reused"]
    assert {step.reused_from for step in second.steps} == {first.id}
    assert second.step("pack").artifact == first.step("pack").artifact
    assert not (daemon.home / "bundles" / second.id).exists()


def test_step_is_done_again_when_its_artifact_is_gone(daemon: Daemon) -> None:
    plan = a_plan(a_step("base", [write("model.txt", "weights")]))
    daemon.finish(daemon.submit(plan).run.id)
    (artifact,) = daemon.client.artifacts()
    Path(artifact.path, "model.txt").unlink()
    assert not daemon.client.get_artifact(artifact.digest[:20]).intact

    again = daemon.finish(daemon.submit(plan).run.id)

    assert again.step("base").state == "succeeded"
    assert daemon.client.get_artifact(artifact.digest).intact


def test_equal_content_of_two_steps_is_stored_once(daemon: Daemon) -> None:
    plan = a_plan(a_step("one", [write("f", "x")]), a_step("two", [write("f", "x"), {"say": "differently"}]))
    run = daemon.finish(daemon.submit(plan).run.id)
    assert run.step("one").artifact == run.step("two").artifact
    assert len(list((daemon.home / "artifacts" / "sha256").glob("*/*"))) == 1
    assert len(list(daemon.client.artifacts())) == 2


def test_failure_skips_what_needs_it_and_names_the_reason(daemon: Daemon) -> None:
    words = {"reason": "BAD_DATA", "message": "row 7 is empty", "help": "fill row 7"}
    plan = a_plan(
        a_step("good", [write("f", "x")]),
        a_step("bad", [{"fail": words}]),
        a_step("after", needs=["bad"]),
        a_step("last", needs=["after"]),
        a_step("beside", [write("g", "x")], needs=["good"]),
    )
    run = daemon.finish(daemon.submit(plan).run.id)

    assert run.state == "failed"
    assert {step.step: step.state for step in run.steps} == {
        "good": "succeeded",
        "bad": "failed",
        "after": "skipped",
        "last": "skipped",
        "beside": "succeeded",
    }
    assert run.failure is not None
    assert (run.failure.step, run.failure.reason) == ("bad", "BAD_DATA")
    assert (run.failure.message, run.failure.help) == ("row 7 is empty", "fill row 7")
    assert run.step("bad").attempt == 1


@pytest.mark.parametrize(
    ("on_fail", "state", "gate_state", "alerts"),
    [
        ("stop", "failed", "failed", 0),
        ("stop_and_alert", "failed", "failed", 1),
        ("alert", "succeeded", "succeeded", 1),
    ],
)
def test_gate_says_no(daemon: Daemon, on_fail: str, state: str, gate_state: str, alerts: int) -> None:
    plan = a_plan(
        a_step("exam", [metrics({"routing": {"exact": 0.25}})]),
        a_gate("gate", ["exam.routing.exact > 0", "exam.routing.exact >= 0.3 + 0.1"], needs=["exam"], on_fail=on_fail),
        a_step("pack", [write("f", "x")], needs=["gate"]),
    )
    run = daemon.finish(daemon.submit(plan).run.id)

    gate = run.step("gate")
    assert (run.state, gate.state) == (state, gate_state)
    assert run.step("pack").state == ("succeeded" if on_fail == "alert" else "skipped")
    assert gate.verdict is not None
    assert not gate.verdict.passed
    assert [(item.evaluated, item.passed) for item in gate.verdict.requirements] == [
        ("exam.routing.exact 0.250 > 0", True),
        ("exam.routing.exact 0.250 >= 0.3 + 0.1", False),
    ]
    assert kinds(daemon, run.id).count("alert") == alerts
    if on_fail != "alert":
        assert gate.failure is not None
        assert gate.failure.reason == "GATE_FAILED"
        assert "exam.routing.exact 0.250 >= 0.3 + 0.1" in gate.failure.message


def test_gate_about_a_metric_that_does_not_exist_fails_with_what_exists(daemon: Daemon) -> None:
    plan = a_plan(
        a_step("exam", [metrics({"routing": {"exact": 0.25}})]),
        a_gate("gate", ["exam.routing.accuracy > 0"], needs=["exam"], on_fail="alert"),
    )
    run = daemon.finish(daemon.submit(plan).run.id)
    assert run.failure is not None
    assert run.failure.reason == "GATE_UNDECIDABLE"
    assert "has no metric `accuracy`; there is exact" in run.failure.message


def test_temporary_failure_is_retried_with_its_work_kept(daemon: Daemon) -> None:
    # The first attempt leaves a checkpoint and is killed; the second finds it and goes on.
    plan = a_plan(
        a_step(
            "sft",
            [{"write": {"path": "work/checkpoint", "text": "step 7"}}, WAIT, write("model", "m")],
            limits=Limits(retries=2),
        )
    )
    created = daemon.submit(plan).run.id
    bundle = daemon.bundle(created, "sft")
    eventually((bundle / "work" / "checkpoint").exists)
    _, runner = read_processes(bundle)
    assert runner is not None
    os.kill(runner.pid, signal.SIGKILL)
    go_on(daemon, created, "sft", 2)
    run = daemon.finish(created)

    assert run.state == "succeeded"
    assert run.step("sft").attempt == 2
    assert (daemon.bundle(run.id, "sft", 2) / "work" / "checkpoint").read_text() == "step 7"
    assert not (bundle / "work").exists()
    (retrying,) = [event for event in daemon.events(run.id) if event.kind == "step_retrying"]
    assert retrying.body["reason"] == "KILLED"
    assert retrying.body["in_seconds"] == 1


def test_retries_are_limited(daemon: Daemon) -> None:
    run = daemon.finish(daemon.submit(a_plan(a_step("flaky", [{"exit": 75}], limits=Limits(retries=1)))).run.id)
    assert run.state == "failed"
    assert run.step("flaky").attempt == 2
    assert kinds(daemon, run.id).count("step_retrying") == 1


def test_cancel_stops_what_runs_and_what_waits(daemon: Daemon) -> None:
    plan = a_plan(a_step("long", [{"sleep": 300}]), a_step("after", needs=["long"]))
    run = daemon.submit(plan).run.id
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("long").state == "running")

    assert client.cancel(run, reason="enough").state == "cancelling"
    ended = daemon.finish(run)

    assert ended.state == "cancelled"
    assert {step.step: step.state for step in ended.steps} == {"long": "cancelled", "after": "cancelled"}
    assert json.loads((daemon.bundle(run, "long") / "exit.json").read_text())["message"] == "enough"
    assert client.cancel(run).state == "cancelled", "asking again changes nothing"


def test_cancel_now_kills_a_runner_that_does_not_heed(daemon: Daemon) -> None:
    plan = a_plan(a_step("deaf", [{"ignore_term": True}, {"hang": 300}], limits=Limits(grace_seconds=300)))
    run = daemon.submit(plan).run.id
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("deaf").state == "running")
    client.cancel(run)
    assert client.cancel(run, mode="now").state == "cancelling"
    assert daemon.finish(run).state == "cancelled"
    assert kinds(daemon, run).count("run_cancelling") == 2


def test_retry_goes_on_where_the_failed_run_stopped(daemon: Daemon) -> None:
    plan = a_plan(
        a_step("base", [write("model", "m")]),
        a_step(
            "sft",
            [{"write": {"path": "work/checkpoint", "text": "7"}}, WAIT, write("adapter", "a")],
            needs=["base"],
            limits=Limits(retries=0),
        ),
    )
    first = daemon.submit(plan).run.id
    client = daemon.client
    eventually((daemon.bundle(first, "sft") / "work" / "checkpoint").exists)
    client.cancel(first)
    daemon.finish(first)

    again = client.retry(first, request_id="once")
    assert client.retry(first, request_id="once").id == again.id
    go_on(daemon, again.id, "sft")
    ended = daemon.finish(again.id)

    assert ended.state == "succeeded"
    assert ended.retry_of == first
    assert ended.plan_digest == client.get_run(first).run.plan_digest
    assert ended.step("base").state == "reused"
    assert (daemon.bundle(again.id, "sft") / "work" / "checkpoint").exists()


def test_one_heavy_step_at_a_time_and_services_beside(daemon: Daemon) -> None:
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:9"}}
    one = daemon.submit(a_plan(a_step("a", [WAIT]), a_step("b", [{"say": "b"}]), name="one")).run.id
    client = daemon.client
    eventually(lambda: client.get_run(one).run.step("a").state == "running")
    service = a_plan(a_step("chat", [ready, {"sleep": 300}], service=True), name="two")
    two = daemon.finish(daemon.submit(service).run.id)

    assert two.state == "succeeded"
    assert client.get_run(one).run.step("b").state == "waiting"
    go_on(daemon, one, "a")
    assert daemon.finish(one).state == "succeeded"


def test_deadline_reaches_the_supervisor(daemon: Daemon) -> None:
    plan = a_plan(a_step("slow", [{"sleep": 300}], limits=Limits(total_seconds=0.5, grace_seconds=1, retries=0)))
    run = daemon.finish(daemon.submit(plan).run.id)
    assert run.failure is not None
    assert run.failure.reason == "DEADLINE"


def test_events_of_a_foreign_runner_are_stored_whatever_they_hold(daemon: Daemon) -> None:
    values = '{"loss": NaN, "big": 123456789012345678901234567890, "text": "\\ud800"}'
    odd = f'{{"seq": 900, "kind": "metric", "values": {values}}}'
    run = daemon.finish(daemon.submit(a_plan(a_step("odd", [{"emit_raw": odd + "\nno event\n"}]))).run.id)
    assert run.state == "succeeded"
    (metric,) = [event for event in daemon.events(run.id) if event.kind == "metric"]
    assert metric.body == {"values": {"loss": "nan", "big": "123456789012345678901234567890", "text": "?"}}
    assert [e.body["code"] for e in daemon.events(run.id) if e.kind == "warning"] == ["UNREADABLE_EVENTS"]


@pytest.mark.parametrize(
    "line",
    [
        r'{"seq": 900, "kind": "\ud800"}',
        r'{"seq": 900, "kind": "artifact", "role": "\ud800", "path": "."}',
        r'{"seq": 900, "kind": "ready", "address": "\ud800"}',
        r'{"seq": 900, "kind": "own.word", "time": "\ud800"}',
        r'{"seq": 900, "kind": "own.word", "time": "0001-01-01T00:00:00+23:59"}',
        '{"seq": 123456789012345678901234567890, "kind": "own.word"}',
        '{"seq": 900, "kind": "metric", "step": true, "values": {"loss": {"a": [[[[]]]]}}}',
        r'{"seq": 900, "kind": "failure", "reason": "\ud800", "message": "\ud800", "help": "\ud800"}',
        r'{"seq": 900, "kind": "paused", "reason": "\ud800", "message": "\ud800", "help": 7}',
        '{"seq": 900, "kind": "evaluation", "suite": [], "metric": {}, "value": "1e999"}',
    ],
)
def test_no_line_of_a_runner_stops_its_run(daemon: Daemon, line: str) -> None:
    code = {"failure": 1, "paused": 76}.get(json.loads(line)["kind"], 0)
    script = f"echo '{line}' >> $TUNEWRIGHT_BUNDLE/events.jsonl; exit {code}"
    run = daemon.submit(a_plan(a_shell_step("odd", script, limits=Limits(retries=0)), name="odd-line")).run.id
    rests = {0: "succeeded", 1: "failed", 76: "paused"}[code]
    eventually(lambda: daemon.client.get_run(run).run.state == rests, 20.0)
    failure = daemon.client.get_run(run).run.failure
    assert failure is None or (failure.reason, failure.message) == ("?", "?")
    if code == 76:
        daemon.client.cancel(run)
    assert "Traceback" not in daemon.log


def test_nobody_takes_a_runners_words_for_the_daemons(daemon: Daemon) -> None:
    words = ["run_succeeded", "step_failed", "gate_evaluated", "deployment_failed", "alert", "alert_delivered", "runs"]
    run = daemon.finish(daemon.submit(a_plan(a_step("odd", [{"emit": {"kind": word}} for word in words]))).run.id)
    told = [event.kind for event in daemon.events(run.id)]
    assert [kind for kind in told if kind.startswith("runner.")] == [f"runner.{word}" for word in words[:-1]]
    assert "runs" in told
    assert told.count("run_succeeded") == 1


def test_launch_is_filled_in_files_are_written_and_preparation_comes_first(daemon: Daemon) -> None:
    note = "import os, sys; open('note', 'a').write(sys.argv[1] + ' ' + os.environ['WORD'] + chr(10))"
    step = a_step("one", [{"wait_for": "work/note"}, {"wait_for": "work/conf/settings.json"}])
    assert step.launch is not None
    prepare = Process(argv=("{python}", "-c", note, "{bundle}"), env={"WORD": "in {bundle}"})
    launch = replace(step.launch, prepare=(prepare,), files={"conf/settings.json": "{}"})
    run = daemon.finish(daemon.submit(a_plan(replace(step, launch=launch))).run.id)

    bundle = daemon.bundle(run.id, "one")
    assert run.state == "succeeded"
    assert (bundle / "work" / "note").read_text() == f"{bundle} in {bundle}\n"
    command = json.loads((bundle / "step.json").read_text())["command"]
    assert command["argv"] == [sys.executable, "-P", "-m", "tunewright.runners.fake", "run", str(bundle)]


def test_supervisor_that_never_starts_ends_in_a_failure_with_its_words(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start(crash_at="no supervisor")
    run = daemon.finish(daemon.submit(a_plan(a_step("one", limits=Limits(retries=1)))).run.id)
    assert run.failure is not None
    assert run.failure.reason == "LAUNCH_FAILED"
    assert "/nonexistent/supervisor.py" in run.failure.message
    assert run.step("one").attempt == 2
    assert (daemon.bundle(run.id, "one") / "claim.json").exists(), "no late supervisor may start the runner"
