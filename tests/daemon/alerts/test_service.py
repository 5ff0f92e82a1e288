"""Alerts over the API and on the command line: listed with reasons, tested, tried again; for those who may."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step
from harness.receiver import Receiver, receiving, write_alerts
from harness.sites import Site

from tunewright.client.cli.main import run_command
from tunewright.client.errors import RefusedError
from tunewright.compiler.ir.plan import AlertRule, seal

SPIKE = {"kind": "watchdog", "signal": "loss_spike", "policy": "warn", "message": "the loss 9 lies far above"}
TOLD = AlertRule(to=("oncall",), severity="warning", events=("watchdog",))
LATE = AlertRule(to=("oncall",), severity="info", queued_seconds=1.0)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("alerts") / "home")
    own = "  quiet: {command: {argv: [/bin/false]}, projects: other, severity: critical}\n"
    write_alerts(daemon.home, receiver.url, own)
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()


@pytest.fixture
def run(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(daemon.home))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = run_command(["alerts", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_watchdog_of_a_training_is_told_and_listed(daemon: Daemon, receiver: Receiver, run: Run) -> None:
    step = a_step("sft", [{"emit": SPIKE}, {"emit": SPIKE}])
    made = daemon.finish(daemon.submit(seal(replace(a_plan(step), alerts=(TOLD,)))).run.id)
    (alert,) = eventually(lambda: [item for item in daemon.client.alerts(run=made.id) if item.state == "delivered"])
    assert (alert.kind, alert.severity, alert.step, alert.tries) == ("watchdog", "warning", "sft", 1)
    message = receiver.received[-1].message
    assert (message["data"]["reason"], message["data"]["count"]) == ("loss_spike", 2)
    assert run() == (0, "no alerts\n", "")
    code, out, _ = run("--all", "--run", made.id)
    assert code == 0
    assert alert.id in out
    assert "warning: step sft of run" in out
    assert "(2 times)" in out
    assert json.loads(run("--all", "--json")[1])["alerts"][0]["sink"] == "oncall"


def test_sinks_are_listed_without_their_addresses(daemon: Daemon, receiver: Receiver, run: Run) -> None:
    names = [(item.name, item.channel, item.severity, item.projects) for item in daemon.client.alert_sinks()]
    assert names == [("oncall", "webhook", "info", ()), ("quiet", "command", "critical", ("other",))]
    code, out, _ = run("sinks")
    assert code == 0
    assert "oncall" in out
    assert str(receiver.port) not in out


def test_sink_is_tested(receiver: Receiver, run: Run) -> None:
    before = len(receiver.received)
    code, _, err = run("test", "oncall")
    assert (code, len(receiver.received)) == (0, before + 1)
    assert receiver.received[-1].id in err
    assert receiver.received[-1].message["type"] == "test"
    code, _, err = run("test", "quiet")
    assert code == 1
    assert "quiet has not taken it: it ended with 1" in err
    assert run("test", "nobody")[0] == 3


def test_what_was_given_up_is_tried_again(daemon: Daemon, receiver: Receiver, run: Run) -> None:
    receiver.answers.append(410)
    step = a_step("sft", [{"emit": SPIKE}], environment="control")
    made = daemon.finish(daemon.submit(seal(replace(a_plan(step, name="gone"), alerts=(TOLD,)))).run.id)
    (dead,) = eventually(lambda: [item for item in daemon.client.alerts(run=made.id) if item.state == "dead"])
    assert dead.problem == "it answers 410"
    assert "[it answers 410]" in run()[1]
    code, _, err = run("retry", dead.id)
    assert code == 0
    assert "tried again: oncall" in err
    eventually(lambda: [item for item in daemon.client.alerts(run=made.id) if item.state == "delivered"])
    assert "delivered before" in run("retry", dead.id)[2]
    with pytest.raises(RefusedError, match="there is no alert alert_nope"):
        daemon.client.retry_alert("alert_nope")


def test_run_that_waits_too_long_is_told_once(daemon: Daemon, receiver: Receiver) -> None:
    first = daemon.submit(a_plan(a_step("fills", [{"sleep": 300}]), name="first")).run.id
    eventually(lambda: daemon.client.get_run(first).run.state == "running")
    waits = daemon.submit(seal(replace(a_plan(a_step("waits"), name="second"), alerts=(LATE,)))).run.id
    eventually(lambda: [item for item in daemon.client.alerts(run=waits) if item.state == "delivered"])
    assert receiver.received[-1].message["type"] == "queued"
    assert "it has waited for 1 s and not begun" in receiver.received[-1].message["data"]["message"]
    daemon.client.cancel(first, mode="now", reason="enough")
    daemon.finish(waits)
    assert [event.kind for event in daemon.events(waits)].count("run_waiting") == 1


def test_a_sink_tells_nobody_of_the_projects_of_others(tmp_path: Path, receiver: Receiver) -> None:
    site = Site(tmp_path, Daemon(tmp_path / "home"))
    own = "  both: {command: {argv: [/bin/false]}, projects: [support, sales]}\n"
    write_alerts(site.daemon.home, receiver.url, own)
    try:
        site.prepare().start()
        found = site.as_(site.certificate("anna", "support:viewer")).alert_sinks()
        assert [(item.name, item.projects) for item in found] == [("both", ("support",)), ("oncall", ())]
    finally:
        site.clean_up()
