"""Points of training: all of them in a store of their own that may be lost, the newest few in the log."""

from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step

from tunewright.daemon.engine.journal import POINTS_A_LOOK

COUNT = 300
BURST = [{"emit": {"kind": "metric", "step": n, "values": {"loss": 1 / (n + 1)}}} for n in range(COUNT)]
WAIT = {"wait_for": "work/go"}


def steps(daemon: Daemon, run: str, **more: str) -> list[int | None]:
    return [point.training_step for point in daemon.client.points(run, **more)]


def test_burst_is_kept_whole_and_the_log_says_what_it_leaves_out(daemon: Daemon) -> None:
    run = daemon.finish(daemon.submit(a_plan(a_step("a", BURST), a_step("b", BURST[:3]))).run.id).id
    assert steps(daemon, run, step="a") == list(range(COUNT))
    assert sorted(steps(daemon, run)) == sorted([*range(COUNT), 0, 1, 2])
    point = next(daemon.client.points(run, step="a"))
    assert (point.step, point.attempt, point.values) == ("a", 1, {"loss": 1.0})
    logged = [event for event in daemon.events(run) if event.kind == "metric" and event.step == "a"]
    assert POINTS_A_LOOK <= len(logged) < COUNT
    assert len(logged) + sum(event.body.get("left_out", 0) for event in logged) == COUNT
    assert logged[-1].body["step"] == COUNT - 1, "the newest is always there"
    assert [event.body["step"] for event in daemon.events(run) if event.step == "b" and event.kind == "metric"] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize("damage", ["removed", "spoilt", "spoilt inside", "another version"])
def test_store_that_is_lost_is_made_anew(daemon: Daemon, damage: str) -> None:
    run = daemon.finish(daemon.submit(a_plan(a_step("a", BURST))).run.id).id
    daemon.kill()
    for path in daemon.home.glob("metrics.db*"):
        if damage == "removed" or path.name != "metrics.db":
            path.unlink()
        elif damage == "spoilt inside":
            content = path.read_bytes()
            path.write_bytes(content[:4096] + bytes(len(content) - 4096))
        elif damage == "spoilt":
            path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
        else:
            content = bytearray(path.read_bytes())
            content[60:64] = (99).to_bytes(4, "big")
            path.write_bytes(content)
    daemon.start()
    assert steps(daemon, run) == list(range(COUNT))
    assert daemon.events(run)[-1].kind == "run_succeeded"


def test_points_go_on_where_they_were_over_a_restart(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("a", [*BURST[:100], WAIT, *BURST[100:]]))).run.id
    eventually(lambda: len(steps(daemon, run)) == 100)
    daemon.kill()
    daemon.start()
    (daemon.bundle(run, "a") / "work" / "go").touch()
    daemon.finish(run)
    assert steps(daemon, run) == list(range(COUNT))


def test_points_outlive_the_logs_they_came_from(daemon: Daemon) -> None:
    run = daemon.finish(daemon.submit(a_plan(a_step("a", BURST[:5]))).run.id).id
    (daemon.home / "retention.yaml").write_text("logs_days: 0\nkeep_last: 0\n")
    assert daemon.client.collect_garbage().count == 1
    assert not Path(daemon.bundle(run, "a")).exists()
    assert steps(daemon, run) == [0, 1, 2, 3, 4]
