"""One history: a machine, a home, daemons that come and die, people who use them; checked all along and at the end."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness import invariants
from harness.simulation import supervisor
from harness.simulation.loop import SimulatedLoop
from harness.simulation.people import People
from harness.simulation.poller import PollerOfTheLoop
from harness.simulation.world import DaemonDiedError, World

from tunewright.daemon import parts as daemon_parts
from tunewright.daemon.devices import keeper
from tunewright.daemon.engine import attempts, deployments, liveness
from tunewright.daemon.home import Home
from tunewright.daemon.settings import Settings
from tunewright.daemon.store.database import Database
from tunewright.runners.supervision import spawn

CHAOS_SECONDS = 12.0
DEVICES = [{"uuid": f"GPU-{number}", "name": "imagined", "memory_bytes": 2**34} for number in range(3)]
_TEN_DAYS = 10 * 86_400_000


class _WriterOfTheLoop:
    """Takes the place of the writer's queue: commits come after a while, together with what came meanwhile."""

    def __init__(self, world: World, connection: sqlite3.Connection, commit: Callable[[Any, Any], None]) -> None:
        self._world, self._connection, self._commit = world, connection, commit
        self._group: list[Any] = []

    def put(self, item: Any) -> None:
        """Take an operation."""
        if not self._group:
            asyncio.get_running_loop().call_later(self._world.draw.uniform(0.0, 0.03), self._write)
        self._group.append(item)

    def empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._group

    def _write(self) -> None:
        group, self._group = self._group, []
        self._world.counts["commits"] += 1
        self._commit(self._connection, group)


class SimulatedDatabase(Database):
    """The real store, whose writer is a part of the event loop."""

    world: World

    def start(self, committed: Callable[[], None]) -> None:
        """Begin without a thread."""
        self._loop, self._committed = asyncio.get_running_loop(), committed
        self.writer = self._connect()
        self._queue = _WriterOfTheLoop(self.world, self.writer, self._commit)  # type: ignore[assignment]

    def drop(self) -> None:
        """Let go of the file, as a process does that is killed."""
        self.writer.close()
        self.read.close()


class History:
    """Play it with `play`; the seed is all there is to it."""

    def __init__(self, seed: int, home: Path, template: Path, patch: pytest.MonkeyPatch) -> None:
        self.world = World(seed)
        self._home = home
        self._people = People(self.world)
        home.mkdir(mode=0o700)
        shutil.copyfile(template, home / "control.db")
        SimulatedDatabase.world = self.world
        (home / "devices.json").write_text(json.dumps({"devices": DEVICES}))
        patch.setattr(daemon_parts, "Database", SimulatedDatabase)
        patch.setattr(keeper, "Poller", PollerOfTheLoop)
        patch.setattr(spawn, "spawn_supervisor", lambda bundle, lock: supervisor.spawn(self.world, bundle, lock))
        patch.setattr(liveness, "answers", lambda *_: self.world.draw.random() < 0.8 or not self.world.chaos)
        for module in (attempts, deployments):
            patch.setattr(module, "kill_leftovers", self.world.kill_leftovers)

    def play(self) -> str:
        """Let it happen; return a digest of everything that was logged."""
        while self.world.chaos:
            self._live_as_daemon()
            self._check()
            self.world.live(self.world.draw.uniform(0.0, 1.0))
        assert not self.world.supervisors, f"left over: {[item.bundle for item in self.world.supervisors]}"
        twice = {bundle: count for bundle, count in self.world.starts.items() if count > 1}
        assert not twice, f"started more than once: {twice}"
        with closing(sqlite3.connect(self._home / "control.db")) as connection:
            for name, kind in (("service restarts", "deployment_restarting"), ("preemptions", "step_preempted")):
                query = "SELECT count(*) FROM events WHERE kind = ?"
                self.world.counts[name] += connection.execute(query, (kind,)).fetchone()[0]
            assert connection.execute("SELECT count(*) FROM leases").fetchone() == (0,), "held after the end"
            columns = "run, sequence, kind, step, attempt, time"
            rows = connection.execute(f"SELECT {columns} FROM events ORDER BY run, sequence")
            return hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest()

    def _live_as_daemon(self) -> None:
        loop = SimulatedLoop(self.world)
        asyncio.set_event_loop(loop)
        self.world.at(self.world.draw.expovariate(0.4), self._disturb)
        database: list[SimulatedDatabase] = []
        try:
            loop.run_until_complete(self._serve(database))
        except DaemonDiedError:
            self.world.counts["daemon deaths"] += 1
        finally:
            loop.abandon()
            for item in database:
                item.drop()

    async def _serve(self, opened: list[SimulatedDatabase]) -> None:
        parts = daemon_parts.assemble(
            Settings(home=self._home, devices=self._home / "devices.json"),
            Home(self._home),
            lambda _: pytest.fail("nothing is compiled"),
            self.world.clock,
        )
        opened.append(parts.database)  # type: ignore[arg-type]
        parts.reconciler.start()
        keeping = [asyncio.create_task(parts.deployments.keep()), asyncio.create_task(parts.devices.keep())]
        await parts.devices.first_look()
        parts.reconciler.wake_all()
        await self._people.use(parts)
        await self._people.see_to_the_end(parts)
        for record in deployments.deployments.alive(parts.database.read):
            await parts.deployments.stop(record, "graceful")
        while deployments.deployments.alive(parts.database.read):
            await asyncio.sleep(0.5)
            assert self.world.now < 1100, "a deployment does not stop"
        for task in keeping:
            task.cancel()
        await parts.reconciler.stop()

    def _disturb(self) -> None:
        """Kill the daemon, restart the machine or turn the clock; in the end let all come to rest."""
        draw = self.world.draw
        if self.world.now > CHAOS_SECONDS:
            self.world.chaos = False
            return
        what = draw.choice(("kill", "kill", "restart", "clock"))
        if what == "clock":
            self.world.counts["clock jumps"] += 1
            self.world.clock_error_milliseconds = draw.choice((-_TEN_DAYS, 0, _TEN_DAYS))
            self.world.at(draw.expovariate(0.4), self._disturb)
            return
        if what == "restart":
            self.world.counts["machine restarts"] += 1
            self.world.restart_machine()
        raise DaemonDiedError

    def _check(self) -> None:
        with closing(sqlite3.connect(self._home / "control.db")) as connection:
            invariants.check(connection)
            known = {row[0] for row in connection.execute("SELECT id FROM runs")}
            lost = set(self._people.acknowledged.values()) - known
            assert not lost, f"acknowledged and lost: {lost}"
