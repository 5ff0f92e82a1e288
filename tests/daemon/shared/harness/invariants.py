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
    live = connection.execute(f"SELECT count(*) FROM steps WHERE state IN {_LIVE} AND service = 0").fetchone()[0]
    assert live <= slots, f"{live} steps live, there is room for {slots}"
    check_attempts(connection)


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
