"""What must be true of a store at every moment, whatever died: found by reading it, not by asking who wrote it."""

import json
import sqlite3
from collections import Counter

_RUN_STATES = {
    "run_created": "queued",
    "run_started": "running",
    "run_cancelling": "cancelling",
    "run_pausing": "pausing",
    "run_paused": "paused",
    "run_succeeded": "succeeded",
    "run_failed": "failed",
    "run_cancelled": "cancelled",
}
_STEP_STATES = {
    "step_reused": "reused",
    "step_started": "starting",
    "step_running": "running",
    "step_retrying": "retrying",
    "step_paused": "paused",
    "step_preempted": "waiting",
    "step_cancelling": "cancelling",
    "step_succeeded": "succeeded",
    "step_failed": "failed",
    "step_cancelled": "cancelled",
    "step_skipped": "skipped",
}
_ENDED = {"succeeded", "reused", "failed", "cancelled", "skipped"}
_LIVE = ("starting", "running", "cancelling")


def check(connection: sqlite3.Connection, slots: int = 1) -> None:
    """Fail unless every log is gapless, tells each state that the tables hold, and nothing is done twice at once."""
    for (run,) in connection.execute("SELECT id FROM runs").fetchall():
        check_log(connection, run)
    live = connection.execute(f"SELECT total(slots) FROM steps WHERE state IN {_LIVE} AND service = 0").fetchone()[0]
    assert live <= slots, f"{live} steps live, there is room for {slots}"
    check_attempts(connection)
    check_leases(connection)


def check_log(connection: sqlite3.Connection, run: str) -> None:
    """Fail unless the log of a run, read from its beginning, leads to what the tables hold."""
    state, last = connection.execute("SELECT state, last_sequence FROM runs WHERE id = ?", (run,)).fetchone()
    rows = connection.execute(
        "SELECT sequence, step, attempt, kind, body FROM events WHERE run = ? ORDER BY sequence", (run,)
    ).fetchall()
    assert [row[0] for row in rows] == list(range(1, last + 1)), f"the log of {run} has a gap"
    told_run, told_steps, attempts = "", {}, Counter()
    for _, step, attempt, kind, body in rows:
        assert told_run not in ("succeeded", "failed", "cancelled") or kind.startswith("deployment"), (
            f"{kind} after the end of {run}"
        )
        if kind in _STEP_STATES:
            assert told_steps.get(step) not in _ENDED, f"{kind} after the end of {run}/{step}"
            told_steps[step] = _STEP_STATES[kind]
        if kind == "step_started":
            attempts[step] += 1
            assert attempt == attempts[step], f"attempt {attempt} of {run}/{step} follows {attempts[step] - 1}"
        if kind == "run_resumed":
            told_steps |= dict.fromkeys(json.loads(body)["steps"], "waiting")
            told_run = "running" if told_steps else "queued"
        told_run = _RUN_STATES.get(kind, told_run)
    assert told_run == state, f"the log of {run} says {told_run}, its row {state}"
    for name, stored, attempt in connection.execute(
        "SELECT name, state, attempt FROM steps WHERE run = ?", (run,)
    ).fetchall():
        assert told_steps.get(name, "waiting") == stored, f"the log of {run}/{name} says {told_steps.get(name)}"
        assert attempts[name] == attempt


def check_leases(connection: sqlite3.Connection) -> None:
    """Fail unless every lease has a live holder, every live holder all that it needs, and no device two of them."""
    holders = connection.execute(
        f"SELECT run, name, attempt, devices + slots FROM steps WHERE state IN {_LIVE} UNION ALL"
        " SELECT d.run, d.step, d.attempt, s.devices + s.slots FROM deployments d JOIN steps s ON s.run = d.run"
        " AND s.name = d.step WHERE d.state IN ('live', 'restarting', 'stopping')"
    ).fetchall()
    needed = {(run, step, attempt): needs for run, step, attempt, needs in holders if needs}
    rows = connection.execute("SELECT device, run, step, attempt FROM leases").fetchall()
    assert len({row[0] for row in rows}) == len(rows), f"a device has two holders: {rows}"
    assert Counter(row[1:] for row in rows) == needed, "what is leased is not what live steps need"


def check_attempts(connection: sqlite3.Connection) -> None:
    """Fail unless an attempt is open exactly where its step is live with it."""
    open_attempts = connection.execute(
        "SELECT a.run, a.step, a.number FROM attempts a JOIN steps s ON s.run = a.run AND s.name = a.step"
        f" WHERE a.outcome IS NULL AND s.service = 0 AND NOT (s.state IN {_LIVE} AND s.attempt = a.number)"
    ).fetchall()
    assert open_attempts == [], f"open without being live: {open_attempts}"
    ended = connection.execute(
        "SELECT a.run, a.step, a.number FROM attempts a JOIN steps s ON s.run = a.run AND s.name = a.step"
        f" WHERE a.outcome IS NOT NULL AND s.state IN {_LIVE} AND s.attempt = a.number"
    ).fetchall()
    assert ended == [], f"live with an attempt that has ended: {ended}"
