"""The view of a daemon as a whole, drawn from values."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from scripted.desk import golden
from scripted.values import BEGIN, a_run, a_step, an_event

from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.cli.view.top import Snapshot, top_text
from tunewright.client.machine_values import Device, Maintenance
from tunewright.client.queue_values import Queue, QueuedStep, Supply
from tunewright.client.values import Deployment, Failure, Run, ServerInfo, Waiting

NOW = BEGIN + timedelta(hours=1, minutes=2, seconds=3.4)
INFO = ServerInfo(
    version="0.1.0",
    min_client_version="0.1.0",
    capabilities=(),
    home="/srv/tunewright",
    store_id="ab",
    pid=4711,
    private=False,
    addresses=(),
    active_runs=3,
    live_deployments=1,
    start_time=BEGIN - timedelta(days=3, hours=4),
)


def a_device(index: int, **more: Any) -> Device:
    fields: dict[str, Any] = {
        "model": "NVIDIA A100-SXM4-80GB",
        "kind": "a100-80gb",
        "memory_bytes": 80 * 2**30,
        "parent": "",
        "state": "free",
        "reason": "",
        "change_time": BEGIN,
        "holder": None,
        "memory_used_bytes": 2**30,
        "utilization": 0.0,
        "temperature_celsius": 41.0,
        "power_watts": 60.0,
        "processes": (),
        "uncorrectable_errors": 0,
    }
    return Device(uuid=f"GPU-{index}", index=index, **{**fields, **more})


def a_deployment(name: str, **more: Any) -> Deployment:
    fields: dict[str, Any] = {
        "revision": 2,
        "spec_name": "support",
        "step": "chat",
        "run": "20261120-080000-cd34",
        "step_digest": "sha256:02",
        "state": "live",
        "address": "http://127.0.0.1:8000/v1",
        "failure": None,
        "create_time": BEGIN - timedelta(days=1),
        "end_time": None,
    }
    return Deployment(id=name, **{**fields, **more})


def progressed() -> RunProgress:
    progress = RunProgress()
    progress.take(an_event(1, "progress", done=9, total=24, unit="step", eta_seconds=92))
    for number, loss in enumerate((2.0, 1.0, 0.412)):
        progress.take(an_event(2 + number, "metric", values={"loss": loss, "tokens_per_second": 431.0}))
    return progress


GOING = a_run(a_step("base", "reused"), a_step("sft", "running"), a_step("exam"), start_time=BEGIN)
RESTING = a_run(a_step("sft", "paused", failure=Failure(reason="OUT_OF_MEMORY", message="no room")), state="paused",
                id="20261121-190000-ef56", spec_name="big", project="sales")  # fmt: skip
NEXT = a_run(a_step("sft"), state="queued", id="20261121-205900-aa11", create_time=NOW - timedelta(minutes=4))
FAILED = a_run(
    a_step("sft", "failed"),
    state="failed",
    id="20261121-180000-bb22",
    failure=Failure(reason="NON_FINITE_LOSS", message="the loss is no number", step="sft"),
    end_time=NOW - timedelta(minutes=50),
)
NEEDS = Supply(devices=2, slots=0, memory_bytes=0)
WHY = Waiting(
    reason="ACCELERATORS",
    message=f"waiting for 2 of 8 accelerators; 1st in the queue, behind run {GOING.id}",
    position=1,
    behind=GOING.id,
)


def a_queue(*runs: Run) -> Queue:
    steps = [
        QueuedStep(
            run=run.id, step="sft", spec_name=run.spec_name, project="default", priority=0, needs=NEEDS, waiting=WHY
        )
        for run in runs
    ]
    return Queue(steps=tuple(steps), others=3, holding=(), total=NEEDS, free=NEEDS)


FULL = Snapshot(
    target="gpu1.example:7419",
    time=NOW,
    info=INFO,
    active=(NEXT, GOING, RESTING),
    ended=(FAILED,),
    progress={GOING.id: progressed()},
    devices=(
        a_device(0, state="leased", utilization=0.93, memory_used_bytes=70 * 2**30, holder=(GOING.id, "sft")),
        a_device(1, state="quarantined", reason="it keeps 12 GB of a step that has ended"),
        a_device(2, utilization=None, temperature_celsius=None, memory_used_bytes=None, state="missing", reason="gone"),
    ),
    services=(a_deployment("support-chat"),),
    queue=a_queue(NEXT),
)


def test_the_whole_view() -> None:
    text = top_text(FULL, columns=120)
    assert text + "\n" == golden("top.txt", text + "\n")


@pytest.mark.parametrize("columns", [80, 40, 20])
@pytest.mark.parametrize("rows", [50, 24, 16, 10, 5])
def test_it_fits_the_screen(columns: int, rows: int) -> None:
    lines = top_text(FULL, columns=columns, rows=rows, blocks=True).split("\n")
    assert max(map(len, lines)) <= columns
    assert len(lines) <= rows
    assert "RUNS" in lines


def test_what_does_not_fit_is_counted() -> None:
    many = [replace(NEXT, id=f"20261121-2059{number:02d}-aa11") for number in range(30)]
    text = top_text(replace(FULL, active=(GOING, *many), queue=a_queue(*many)), columns=80, rows=24)
    assert "… 2" in text
    assert " lines more" in text


def test_nothing_to_show() -> None:
    text = top_text(Snapshot(target="unix:/x/daemon.sock", time=NOW, info=INFO), columns=80)
    assert text.split("\n")[2] == "nothing runs; start something: tunewright run life.yaml"


def test_maintenance_and_what_is_wrong_with_the_view_stand_at_the_top() -> None:
    maintenance = Maintenance(
        reason="new driver", checkpoint=False, deadline=None, begin_time=BEGIN, begun_by="otto", running_steps=1
    )
    info = replace(INFO, maintenance=maintenance)
    lines = top_text(replace(FULL, info=info, notice="the daemon does not answer"), columns=200).split("\n")
    assert lines[1].startswith("maintenance: no step begins since ")
    assert lines[2] == "the daemon does not answer"


def test_nothing_steers_the_terminal() -> None:
    nasty: Run = replace(GOING, spec_name="\x1b[2Jred\nblue")
    text = top_text(replace(FULL, active=(nasty,)), columns=120)
    assert "\x1b" not in text
    assert "\\x1b[2Jred\\nblue" in text
