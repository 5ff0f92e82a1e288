"""Write a small store of this version of the schema to tests/daemon/data/store/version-N.sql, by a real daemon.

Run it once for each new version and never change what it wrote: from then on a test opens every version ever kept.
"""

import sqlite3
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "daemon" / "shared"))

from harness.daemons import Daemon, eventually, source_of  # noqa: E402 - found only now
from harness.plans import a_gate, a_plan, a_step, metrics, role, write  # noqa: E402


def main() -> int:
    """Run a daemon through what a store can hold, and dump the store."""
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder) / "home")
        try:
            live_through(daemon.start())
        finally:
            daemon.clean_up()
        connection = sqlite3.connect(daemon.home / "control.db")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        lines = [f"PRAGMA application_id = {application};", f"PRAGMA user_version = {version};", *connection.iterdump()]
        connection.close()
    path = ROOT / "tests" / "daemon" / "data" / "store" / f"version-{version}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(path.relative_to(ROOT))
    return 0


def live_through(daemon: Daemon) -> None:
    """Leave a run of every final state, one that is paused, artifacts, verdicts, and a deployment that has ended."""
    client = daemon.client
    steps = (
        a_step("sft", [write("m", "x"), role("model")]),
        a_step("exam", [metrics({"s": {"m": 0.5}}), role("evaluation")], needs=["sft"]),
        a_gate("gate", ["exam.s.m >= 0.1"], needs=["exam"]),
    )
    daemon.finish(client.create_run(source_of(a_plan(*steps, name="good")), request_id="first").run.id)
    daemon.finish(client.create_run(source_of(a_plan(*steps, name="good"))).run.id)
    failed = daemon.finish(client.create_run(source_of(a_plan(a_step("sft", [{"exit": 1}]), name="bad"))).run.id)
    daemon.finish(client.retry(failed.id, request_id="second").id)
    stopped = client.create_run(source_of(a_plan(a_step("sft", [{"sleep": 300}]), name="stopped"))).run.id
    client.cancel(stopped, mode="now", reason="enough")
    daemon.finish(stopped)
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}
    serve = replace(a_step("chat", [ready, {"sleep": 300}]), service=True)
    daemon.finish(client.create_run(source_of(a_plan(serve, name="served"))).run.id)
    client.stop_deployment("served-chat", mode="now")
    eventually(lambda: client.get_deployment("served-chat").state == "stopped")
    rests = client.create_run(source_of(a_plan(a_step("sft", [{"wait_for_pause": True}]), name="rests"))).run.id
    client.pause(rests, by="ops", reason="maintenance")
    eventually(lambda: client.get_run(rests).run.paused or client.get_run(rests).run.ended)


if __name__ == "__main__":
    sys.exit(main())
