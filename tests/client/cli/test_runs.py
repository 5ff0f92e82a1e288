"""Runs from the desk: everything is real but the steps' work."""

import json
import signal

import pytest
from harness.daemons import eventually
from scripted.desk import SPEC, Answer, Desk, artifact, exam

from tunewright.client.api import connect
from tunewright.client.local import socket_target
from tunewright.client.values import Run

WAITING = [{"emit": {"kind": "phase", "name": "training"}}, {"wait_for": "work/go"}, *artifact("adapter", "delta")]
DEAF = [{"emit": {"kind": "phase", "name": "training"}}, {"ignore_term": True}, {"hang": 600}]


def newest(desk: Desk) -> Run | None:
    """Return the newest run."""
    with connect(socket_target(desk.home)) as client:
        return next(client.list_runs(), None)


def run_id(desk: Desk) -> str:
    """Return the id of the newest run."""
    run = newest(desk)
    assert run is not None
    return run.id


def state_of(desk: Desk, step: str) -> str:
    """Return where a step of the newest run stands."""
    run = newest(desk)
    return run.step(step).state if run is not None else ""


def test_run_goes_to_the_end_and_the_second_reuses_everything(served: Desk) -> None:
    first = served.run("run")
    assert first.code == 0, first.err
    assert "succeeded in" in first.out
    assert "routing.exact 0.875" in first.out
    assert "exam.routing.exact 0.875 >= 0.5" in first.out
    assert "loss 0.412" in first.out
    assert json.loads((served.folder / "life.lock").read_text())

    second = served.run("run")
    assert second.code == 0
    for step in ("base", "sft", "exam", "better"):
        line = next(line for line in second.out.splitlines() if line.startswith(f"  ok  {step}"))
        assert "reused" in line


def test_plan_says_what_a_run_would_do_and_why(served: Desk) -> None:
    assert served.run("run").code == 0
    again = served.run("plan")
    assert "nothing to do" in again.out
    changed = served.run("plan", "--set", "steps.sft.train.seed=7", "--json")
    answer = json.loads(changed.out)
    actions = {item["step"]: item for item in answer["actions"]}
    assert actions["base"]["action"] == "reuse"
    assert actions["sft"] == {"step": "sft", "action": "rerun", "because": "steps.sft.train.seed 42 -> 7"}
    assert actions["exam"]["because"] == "sft changes"


def test_a_plan_that_was_reviewed_is_the_one_that_runs(served: Desk) -> None:
    digest = json.loads(served.run("submit", "--json").out)["plan_digest"]
    same = served.run("submit", "--expect-plan", digest)
    assert same.code == 0
    other = served.run("submit", "--expect-plan", digest, "--set", "steps.sft.train.seed=7")
    assert other.code == 3
    assert "plan" in other.err


def test_submit_then_watch_then_lists(served: Desk) -> None:
    submitted = served.run("submit")
    run = submitted.out.strip()
    watched = served.run("watch", run)
    assert watched.code == 0
    assert run in watched.out
    assert run in served.run("runs").out
    assert "adapter" in served.run("artifacts", run).out
    models = json.loads(served.run("models", "--json").out)["models"]
    assert {item["role"] for item in models} == {"model", "adapter"}
    assert "no deployments" in served.run("deployments").out


def test_watch_as_json_holds_figures_and_verdict(served: Desk) -> None:
    served.run("submit")
    steps = {item["step"]: item for item in json.loads(served.run("watch", "--json").out)["steps"]}
    assert steps["sft"]["figures"] == {"loss": 0.412}
    assert steps["exam"]["evaluations"][0]["value"] == 0.875
    assert steps["better"]["verdict"]["passed"] is True


def test_logs_can_not_steer_the_terminal(served: Desk) -> None:
    served.run("run")
    logs = served.run("logs", run_id(served), "sft")
    assert logs.code == 0
    assert "loading \\x1b[31mred\\x1b[0m letters" in logs.out
    assert "\x1b" not in logs.out


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[8mhidden\x1b[0m \x9b31m \u202egnp.exe"


def test_nothing_that_a_run_says_steers_the_terminal_in_front_of_it(served: Desk) -> None:
    said = {"emit": {"kind": "warning", "message": HOSTILE}}
    failing = [{"say": HOSTILE}, said, {"fail": {"reason": "BROKEN", "message": HOSTILE, "help": HOSTILE}}]
    served.write(scripts={"sft": failing})
    run = served.run("submit").out.strip()
    served.run("watch", run)
    wide = {"TERM": "xterm-256color", "NO_COLOR": "", "COLUMNS": "400"}
    screens = [served.at_a_terminal(*command, **wide) for command in (("logs", run, "sft"), ("runs",))]
    screens += [served.run("watch", run).out, served.run("watch", run, "--json").out, served.run("logs", run).out]
    assert "\\x1b]0;owned\\x07\\x1b[2J\\x1b[8mhidden\\x1b[0m \\x9b31m \\u202egnp.exe" in screens[0]
    for screen in screens:
        assert not set("\x1b\x07\x9b\u202e") & set(screen)
    assert HOSTILE in served.run("logs", run, "sft", "--raw").out


def test_a_gate_that_says_no_ends_with_1_and_its_numbers(served: Desk) -> None:
    served.write(scripts={"exam": exam(0.25)})
    answer = served.run("run")
    assert answer.code == 1
    assert "failed after" in answer.out
    assert "exam.routing.exact 0.250 >= 0.5" in answer.out
    assert "kept       3 finished steps: base, sft, exam" in answer.out
    assert "change the spec or its data" in answer.out


def test_a_failed_step_says_why_shows_its_log_and_can_be_retried(served: Desk) -> None:
    words = {"reason": "OUT_OF_MEMORY", "message": "the memory is used up", "help": "use a smaller batch"}
    served.write(scripts={"sft": [{"say": "step 9: allocating"}, {"fail": words}]})
    answer = served.run("run")
    assert answer.code == 1
    assert "sft: the memory is used up  [OUT_OF_MEMORY]" in answer.out
    assert "help: use a smaller batch" in answer.out
    assert "| step 9: allocating" in answer.out
    assert "(goes on from the last checkpoint, once more memory is free)" in answer.out
    again = served.run("retry", run_id(served))
    assert again.code == 1
    assert "reused" in again.out
    assert "Traceback" not in answer.out + answer.err + again.err


def interrupted(desk: Desk, times: int) -> Answer:
    """Run, press Ctrl-C so often once the training is at work, return how it ended."""
    process = desk.start("run")
    eventually(lambda: state_of(desk, "sft") == "running")
    process.send_signal(signal.SIGINT)
    if times == 2:
        eventually(lambda: state_of(desk, "sft") == "cancelling")
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return Answer(process.returncode, out, err)


def test_ctrl_c_cancels_and_waits(served: Desk) -> None:
    served.write(scripts={"sft": WAITING})
    answer = interrupted(served, 1)
    assert answer.code == 130
    assert "cancelling: waiting for the runner" in answer.out
    assert "cancelled after" in answer.out
    assert state_of(served, "sft") == "cancelled"


def test_second_ctrl_c_leaves_at_once(served: Desk) -> None:
    served.write(scripts={"sft": DEAF})
    answer = interrupted(served, 2)
    assert answer.code == 130
    assert "stopped at once" in answer.err
    eventually(lambda: state_of(served, "sft") == "cancelled")


def test_ctrl_c_while_watching_leaves_the_run_alone(served: Desk) -> None:
    served.write(scripts={"sft": WAITING})
    run = served.run("submit").out.strip()
    process = served.start("watch", run)
    eventually(lambda: state_of(served, "sft") == "running")
    eventually(lambda: process.stdout is not None and process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"run {run} goes on" in err
    assert state_of(served, "sft") == "running"
    cancelled = served.run("cancel", run)
    assert cancelled.out.strip() == f"run {run}: cancelled"


def test_a_service_stays_says_where_it_is_and_can_be_stopped(served: Desk) -> None:
    address = "http://127.0.0.1:18432/v1"
    serve = "  serve: {deploy: {model: sft, engine: embedded, port: 18432, smoke_prompt: Hello}}\n"
    script = [
        *artifact("deployment", "{}"),
        {"emit": {"kind": "sample", "prompt": "Hello", "reply": "Good\x1b[2J day"}},
        {"emit": {"kind": "ready", "address": address}},
        {"sleep": 600},
    ]
    served.write(spec=SPEC + serve, scripts={"serve": script})
    answer = served.run("run")
    assert answer.code == 0, answer
    assert f"live       {address}   (tunewright stop support-serve ends it)" in answer.out
    assert f"curl -s {address}/chat/completions" in answer.out
    assert "it said    Good\\x1b[2J day" in answer.out
    assert address in served.run("deployments").out
    stopped = served.run("stop", "support-serve")
    assert stopped.out == "stopped 1 deployment: support-serve revision 1\n"
    assert "no deployments" in served.run("deployments").out
    assert "stopped" in served.run("deployments", "--all").out
    assert served.run("stop", "--all").out == "nothing to stop\n"


def test_what_the_daemon_does_not_know_is_refused_with_3(served: Desk) -> None:
    for command in (("watch", "nothing"), ("cancel", "nothing"), ("retry", "nothing"), ("stop", "nothing")):
        answer = served.run(*command)
        assert answer.code == 3, command
        assert answer.err.startswith("error: the daemon refused: ")


def test_the_daemon_can_be_stopped_from_the_desk(served: Desk) -> None:
    assert served.run("stop", "--daemon").code == 0
    eventually(lambda: served.run("submit").code == 4)
    assert served.run("runs").code == 0, "what is there can be read: a private daemon is started for it"
    served.run("stop", "--daemon")


@pytest.mark.parametrize(
    "command", [("runs",), ("watch",), ("logs",), ("submit",), ("cancel", "x"), ("artifacts",), ("stop", "x")]
)
def test_without_a_daemon_the_answer_is_4_and_how_to_start_one(desk: Desk, command: tuple[str, ...]) -> None:
    answer = desk.run(*command)
    assert answer.code == 4, answer
    assert "tunewright daemon" in answer.err
    assert "tunewright run" in answer.err
    assert not desk.home.exists()
