"""Storms are folded, nothing goes unsaid: on a real store."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.daemon.engine.states import Entry, RunRecord
from tunewright.daemon.store import alerts, runs
from tunewright.daemon.store.alerts import AlertRecord, AlertState, Folding
from tunewright.daemon.store.runs import Submission
from tunewright.daemon.store.schema import migrate

FOLDING = Folding(window=10_000, most=3, span=1_000)
PLAIN = AlertRecord(
    id="alert_0", sink="oncall", project="default", spec_name="quick", run="r", step="sft", attempt=1, sequence=1,
    kind="watchdog", severity="warning", rule="alerts[0]", message="a spike", reason="loss_spike", help="", fold="a",
    tally={"watchdog": 1}, not_before=1_000, create_time=1_000, last_time=1_000,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "control.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection)
    run = RunRecord(
        id="r", spec_name="quick", spec_path="", base_directory="/", profile="", sets=(), plan_digest="", create_time=1,
        steps=(),
    )  # fmt: skip
    texts = Submission(spec_text="", plan_json="{}", request_id=None, request_digest="")
    runs.insert(connection, run, texts, Entry(kind="run_created"))
    yield connection
    connection.close()


def put(store: sqlite3.Connection, number: int, time: int, fold: str = "a", **more: str) -> None:
    alert = replace(PLAIN, id=f"alert_{number}", fold=fold, not_before=time, create_time=time, last_time=time, **more)
    alerts.put(store, alert, FOLDING)


def stored(store: sqlite3.Connection) -> list[AlertRecord]:
    return alerts.page(store, before=0, limit=100)[::-1]


def test_alike_ones_wait_for_the_next_and_are_counted(store: sqlite3.Connection) -> None:
    put(store, 1, 1_000)
    put(store, 2, 1_500)  # the first one is not sent yet: it stands for both
    (first,) = stored(store)
    assert (first.count, first.last_time) == (2, 1_500)
    alerts.begin_try(store, first.number, "{}", 99_000)
    for number in range(3, 8):
        put(store, number, 3_000 + number)
    _, second = stored(store)
    assert (second.count, second.not_before) == (5, 11_000)
    put(store, 9, 3_100, fold="b")
    assert stored(store)[-1].not_before == 3_100, "what is not alike does not wait"
    put(store, 9, 3_200, fold="c")
    assert len(stored(store)) == 3, "an alert is stored once, whatever is decided twice"


def test_too_many_at_once_become_one(store: sqlite3.Connection) -> None:
    for number in range(20):
        put(store, number, 1_000 + number, fold=str(number), kind="run_failed" if number % 2 else "watchdog")
    *single, many = stored(store)
    assert [item.kind for item in single] == ["watchdog", "run_failed", "watchdog"]
    assert (many.kind, many.count, many.not_before) == ("many", 17, 2_003)
    assert sum(item.count for item in stored(store)) == 20


def test_what_was_delivered_stays_so_and_what_is_dead_may_live_again(store: sqlite3.Connection) -> None:
    put(store, 1, 1_000)
    (alert,) = stored(store)
    alerts.give_up(store, alert, "it answers 500", 2_000)
    assert alerts.due(store, 9_999_999) == []
    again = alerts.revive(store, stored(store)[0], 5_000)
    assert (again.state, again.not_before, again.end_time, again.last_time) == (AlertState.PENDING, 5_000, None, 5_000)
    alerts.delivered(store, again, 6_000)
    assert alerts.revive(store, stored(store)[0], 7_000).state is AlertState.DELIVERED
    with pytest.raises(sqlite3.IntegrityError, match="the alert was delivered"):
        store.execute("UPDATE alerts SET state = 'pending'")
    kinds = [row["kind"] for row in store.execute("SELECT kind FROM events ORDER BY sequence")]
    assert kinds == ["run_created", "alert_raised", "alert_dead", "alert_retried", "alert_delivered"]


def test_oldest_of_each_sink_comes_first(store: sqlite3.Connection) -> None:
    for number, sink in enumerate(["a", "b", "a", "b"]):
        put(store, number, 1_000 + number, fold=str(number), sink=sink)
    assert [(item.sink, item.id) for item in alerts.due(store, 2_000)] == [("a", "alert_0"), ("b", "alert_1")]
    assert [item.sink for item in alerts.due(store, 1_000)] == ["a"]


def test_what_is_over_is_forgotten_in_time_and_what_waits_never_is(store: sqlite3.Connection) -> None:
    for number in range(1, 4):
        put(store, number, 1_000, fold=str(number))
    first, second, _ = stored(store)
    alerts.delivered(store, first, 5_000)
    alerts.give_up(store, second, "it answers 500", 9_000)
    assert alerts.forget(store, 6_000) == 1
    assert [item.id for item in stored(store)] == ["alert_2", "alert_3"]
    assert alerts.forget(store, 99_000) == 1
    assert [item.state for item in stored(store)] == [AlertState.PENDING]
