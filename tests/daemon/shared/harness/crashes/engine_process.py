"""The daemon without its API, in a process forked from a warm parent: brings one run to its end, or dies on the way.

Reads one JSON order a line: `{"home": path, "dies_at": n}`; answers one line each: `{"ended": bool, "operations": n}`.
The parent imports everything once, so that a case costs a fork and not a start of Python.
"""

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.crashes import kill_points
from harness.plans import a_plan, a_shell_step

from tunewright.compiler.ir.plan import Limits, StepInput
from tunewright.daemon.clock import system_clock
from tunewright.daemon.engine import backoff
from tunewright.daemon.engine.admission import Order
from tunewright.daemon.engine.states import RUN_ENDED
from tunewright.daemon.home import Home
from tunewright.daemon.parts import Parts, assemble
from tunewright.daemon.settings import Settings
from tunewright.daemon.store.database import Database
from tunewright.runners.supervision import spawn

DYING_SUPERVISOR = Path(__file__).with_name("dying_supervisor.py")
#: The secret that the second step is given tells itself in an event and in the log.
CANARY = "cnry-7qZxW4"
INDISCREET = (
    """; S=$(cat "$(sed -n 's/.*"secrets": "\\(.*\\)".*/\\1/p' ../step.json)/TOKEN"); echo $S; """
    """printf '{"seq": 2, "time": "t", "kind": "phase", "name": "%s"}\\n' $S >> ../events.jsonl"""
)
REQUEST = "the only one"
#: Each start leaves a line where the runner could not have been carried on: outside of its bundle.
WORK = (
    'echo $TW_ATTEMPT >> {home}/starts; echo \'{{"seq": 1, "time": "t", "kind": "started"}}\' >> ../events.jsonl; '
    "sleep 0.02; echo weights > ../outputs/model"
)


def order_of(home: Path) -> Order:
    """Return what is run: two steps, the second with the result of the first and a secret, which it gives away."""
    limits = Limits(grace_seconds=2.0, retries=4)
    work = WORK.format(home=home)
    tuned = a_shell_step("sft", work + INDISCREET, needs=["base"], limits=limits)
    secret = {"secret.token": StepInput(role="secret", path="TOKEN")}
    plan = a_plan(a_shell_step("base", work, limits=limits), replace(tuned, inputs={**tuned.inputs, **secret}))
    return Order(
        project="default",
        plan=plan,
        spec_text="",
        spec_path="life.yaml",
        base_directory="/",
        request_id=REQUEST,
        request_digest="sha256:0",
    )


async def bring_to_its_end(parts: Parts, home: Path) -> None:
    """Submit as a client does that has lost its answer, and go on until the run has ended."""
    parts.delivery.sweep()
    parts.reconciler.start()
    keeping = asyncio.create_task(parts.deployments.keep())
    order = order_of(home)
    actions = parts.admission.compare(order.plan, order.project)
    run = await parts.admission.admit(order, parts.admission.record(order, actions))
    (home / "acknowledged").write_text(run.id)
    parts.reconciler.wake(run.id)
    while (found := parts.ledger.get(run.id)) is None or found.state not in RUN_ENDED:
        change = parts.changes.next()
        await parts.changes.rung(change, 0.05)
    keeping.cancel()
    await parts.reconciler.stop()
    await parts.database.close()


def count_commits(point: Any) -> None:
    """Let a commit be two points: before it, and after it when nobody has been told."""
    commit, resolve = Database._commit, Database._resolve

    def counted_commit(self: Database, *arguments: Any) -> None:
        point()
        commit(self, *arguments)

    def counted_resolve(self: Database, *arguments: Any) -> None:
        point()
        resolve(self, *arguments)

    Database._commit, Database._resolve = counted_commit, counted_resolve


def live(order: dict[str, Any], answer: int) -> None:
    """Be a daemon for one order."""
    home = Path(order["home"])
    point = kill_points.arm(order["dies_at"])
    count_commits(point)

    async def run() -> None:
        settings = Settings(home=home)
        await bring_to_its_end(assemble(settings, Home(home), None, system_clock()), home)

    asyncio.run(run())
    os.write(answer, json.dumps({"operations": point()}).encode())


def fork_for(order: dict[str, Any]) -> dict[str, Any]:
    """Return how one life as a daemon went."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            live(order, write)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        text = stream.read()
    _, status = os.waitpid(pid, 0)
    return {"status": status, **(json.loads(text) if text else {})}


def main() -> None:
    """Obey orders until there are no more."""
    spawn._SCRIPT = DYING_SUPERVISOR
    backoff.FIRST_MILLISECONDS = 20
    for line in sys.stdin:
        sys.stdout.write(json.dumps(fork_for(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
