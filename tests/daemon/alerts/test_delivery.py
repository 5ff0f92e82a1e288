"""From an event to a receiver: real daemons, a real HTTP server, real kills."""

import base64
import hmac
import json
import socket
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_gate, a_plan, a_step, metrics
from harness.receiver import KEY, Receiver, receiving, write_alerts

from tunewright.compiler.ir.plan import AlertRule, Plan, seal

FAILS = a_step("bad", [{"fail": {"reason": "BAD_DATA", "message": "row 7 is empty", "help": "fill row 7"}}])


def alerting(plan: Plan, *rules: AlertRule) -> Plan:
    return seal(replace(plan, alerts=rules))


def rule(*events: str, to: str = "oncall", **more: Any) -> AlertRule:
    return AlertRule(to=(to,), severity=more.pop("severity", "critical"), events=events, **more)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_failed_run_is_told_signed_and_once(stopped_daemon: Daemon, receiver: Receiver) -> None:
    write_alerts(stopped_daemon.home, receiver.url)
    daemon = stopped_daemon.start()
    run = daemon.finish(daemon.submit(alerting(a_plan(FAILS), rule("run_failed"), rule("run_succeeded"))).run.id)

    eventually(lambda: [event for event in daemon.events(run.id) if event.kind == "alert_delivered"])
    (got,) = receiver.received
    seconds = got.headers["webhook-timestamp"]
    content = f"{got.id}.{seconds}.".encode() + got.body
    key = base64.b64decode(KEY.removeprefix("whsec_"))
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}"
    assert got.message["type"] == "run_failed"
    data = got.message["data"]
    assert (data["run"], data["spec"], data["severity"], data["reason"]) == (run.id, "quick", "critical", "BAD_DATA")
    assert data["message"] == f"run {run.id} (quick): row 7 is empty"
    assert (data["id"], data["count"], data["rule"], data["help"]) == (got.id, 1, "alerts[0]", "fill row 7")
    told = [event.kind for event in daemon.events(run.id)][-3:]
    assert told == ["run_failed", "alert_raised", "alert_delivered"]


@pytest.mark.parametrize(("on_fail", "told"), [("stop_and_alert", 1), ("stop", 0)])
def test_gate_tells_when_it_is_to(stopped_daemon: Daemon, receiver: Receiver, on_fail: str, told: int) -> None:
    write_alerts(stopped_daemon.home, receiver.url)
    daemon = stopped_daemon.start()
    plan = a_plan(
        a_step("exam", [metrics({"routing": {"exact": 0.25}})]),
        a_gate("gate", ["exam.routing.exact >= 0.4"], needs=["exam"], on_fail=on_fail),
    )
    ends = rule("run_failed", "run_succeeded", severity="info")
    daemon.finish(daemon.submit(alerting(plan, rule("gate_failed"), ends)).run.id)
    eventually(lambda: len(receiver.received) == 1 + told)
    assert [item.message["type"] for item in receiver.received].count("gate_failed") == told


def test_condition_tells_when_it_becomes_true(stopped_daemon: Daemon, receiver: Receiver) -> None:
    write_alerts(stopped_daemon.home, receiver.url, "fold: 1s\n")
    daemon = stopped_daemon.start()
    losses = [{"emit": {"kind": "metric", "step": n, "values": {"loss": loss}}} for n, loss in enumerate([1, 6, 7, 2])]
    high = AlertRule(to=("oncall",), severity="warning", when="steps.sft.loss > 5")
    ended = rule("run_succeeded", severity="info")
    run = daemon.finish(daemon.submit(alerting(a_plan(a_step("sft", losses)), high, ended)).run.id)
    eventually(lambda: len(receiver.received) == 2)
    first, second = (item.message for item in receiver.received)
    assert (first["type"], first["data"]["step"]) == ("condition", "sft")
    assert first["data"]["message"] == f"step sft of run {run.id} (quick): steps.sft.loss 6 > 5"
    assert second["type"] == "run_succeeded"


def test_dead_receiver_costs_nothing_and_is_told_later(stopped_daemon: Daemon) -> None:
    port = free_port()
    write_alerts(stopped_daemon.home, f"http://127.0.0.1:{port}/hook")
    daemon = stopped_daemon.start()
    run = daemon.finish(daemon.submit(alerting(a_plan(FAILS), rule("run_failed"))).run.id)
    eventually(lambda: "no connection" in daemon.log)
    with receiving(port, 500) as receiver:
        eventually(lambda: [event for event in daemon.events(run.id) if event.kind == "alert_delivered"])
        assert len(receiver.received) == 2, "a refusal was taken for an answer"
        assert len({(item.id, item.body) for item in receiver.received}) == 1


def test_killed_while_it_sends_the_alert_still_comes_with_the_same_id(stopped_daemon: Daemon) -> None:
    with receiving(0, 0) as receiver:
        write_alerts(stopped_daemon.home, receiver.url)
        daemon = stopped_daemon.start()
        run = daemon.submit(alerting(a_plan(FAILS), rule("run_failed"))).run.id
        eventually(lambda: receiver.received)
        daemon.kill()
        daemon.start()
        eventually(lambda: len(receiver.received) >= 2)
        assert len({(item.id, item.body) for item in receiver.received}) == 1
        eventually(lambda: [event for event in daemon.events(run) if event.kind == "alert_delivered"])


@pytest.mark.parametrize("point", ["before raising", "before sending"])
def test_killed_between_event_and_alert_it_still_comes(stopped_daemon: Daemon, receiver: Receiver, point: str) -> None:
    write_alerts(stopped_daemon.home, receiver.url)
    daemon = stopped_daemon.start(crash_at=point)
    run = daemon.submit(alerting(a_plan(FAILS), rule("run_failed"))).run.id
    daemon.wait()
    assert receiver.received == []
    daemon.start()
    eventually(lambda: [event for event in daemon.events(run) if event.kind == "alert_delivered"])
    assert [item.message["data"]["run"] for item in receiver.received] == [run]


def test_command_gets_the_message_and_nothing_else(stopped_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_ROOM", "blue")
    monkeypatch.setenv("SITE_SECRET", "hidden")
    home = stopped_daemon.home
    home.mkdir()
    out = home / "told.json"
    code = f"import os,sys,json;open({str(out)!r}+'.new','w').write(json.dumps([sys.stdin.read(),dict(os.environ)]));"
    code += f"os.rename({str(out)!r}+'.new',{str(out)!r})"
    argv = f'["{sys.executable}", "-S", "-c", {code!r}]'.replace("\\", "")
    (home / "alerts.yaml").write_text(
        "api_version: tunewright/alerts/v1\n"
        f"sinks:\n  pager:\n    command:\n      argv: {argv}\n      environment: [SITE_ROOM]\n"
        "rules:\n  - {events: run_failed, to: pager, specs: quick}\n"
    )
    daemon = stopped_daemon.start()
    run = daemon.finish(daemon.submit(a_plan(FAILS)).run.id)
    eventually(out.exists)
    message, environment = json.loads(out.read_text())
    assert json.loads(message)["data"]["run"] == run.id
    assert json.loads(message)["data"]["rule"] == "site rules[0]"
    assert environment["SITE_ROOM"] == "blue"
    assert "SITE_SECRET" not in environment


def test_condition_that_no_number_can_hold_silences_nobody(stopped_daemon: Daemon, receiver: Receiver) -> None:
    write_alerts(stopped_daemon.home, receiver.url)
    daemon = stopped_daemon.start()
    point = {"emit": {"kind": "metric", "step": 1, "values": {"loss": 2**53 - 1}}}
    factors = " * 9007199254740991" * 30
    hostile = [
        AlertRule(to=("oncall",), severity="info", when=when)
        for when in ("mean(steps.sft.loss, 1e308, 1e308) > 1", "mean(1e400, -1e400) > steps.sft.loss")
    ]
    huge = AlertRule(to=("oncall",), severity="info", when=f"steps.sft.loss{factors} / 3 > 1")
    daemon.finish(daemon.submit(alerting(a_plan(a_step("sft", [point])), *hostile, huge)).run.id)
    run = daemon.finish(daemon.submit(alerting(a_plan(FAILS, name="other"), rule("run_failed"))).run.id)
    eventually(lambda: [item for item in receiver.received if item.message["data"]["run"] == run.id], seconds=15)


def test_figures_that_no_condition_reads_are_not_kept(stopped_daemon: Daemon, receiver: Receiver) -> None:
    write_alerts(stopped_daemon.home, receiver.url)
    daemon = stopped_daemon.start()
    points = [
        {"emit": {"kind": "metric", "step": n, "values": {f"a{n}_{i}": 1.0 for i in range(500)} | {"loss": n}}}
        for n in range(6)
    ]
    rules = [
        AlertRule(to=("oncall",), severity="info", when=when) for when in ("steps.sft.loss > 4", "max(steps.*.*) > 4")
    ]
    daemon.finish(daemon.submit(alerting(a_plan(a_step("sft", points)), *rules)).run.id)
    eventually(lambda: receiver.received)
    with sqlite3.connect(daemon.home / "control.db") as store:
        sizes = [len(figures) for (figures,) in store.execute("SELECT figures FROM alert_conditions ORDER BY rule")]
    assert len(sizes) == 2
    assert sizes[0] < 100
    assert sizes[1] < 64_000
