"""The logs that somebody follows. Whatever many followers of one run need, a look at the store or the bytes of a page,
is made once for all of them.
"""

import asyncio
import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from tunewright.daemon.changes import Changes
from tunewright.daemon.engine.states import RUN_ENDED, RunState
from tunewright.daemon.followers import Followers
from tunewright.daemon.services import translate
from tunewright.daemon.store import events, runs
from tunewright.proto.v1 import run_service_pb2 as wire

PAGE = 100
#: Bytes of pages that are remembered, for all runs together.
_MOST_BYTES = 4 * 1024 * 1024


class Page(NamedTuple):
    """A message as it is sent, the sequence that it reaches, and whether it is as long as a page may be."""

    message: bytes
    last: int
    full: bool


class Pages:
    """Pages that were made lately. A log only grows, so none is ever wrong."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._made: OrderedDict[tuple[str, int], Page] = OrderedDict()
        self._bytes = 0

    def get(self, run: str, after: int, newest: int) -> Page:
        """Return the events of a run after a sequence, at most to `newest`, of which there is at least one."""
        key = (run, after)
        found = self._made.get(key)
        if found is None or not (found.full or found.last >= newest):
            found = self._make(run, after)
            self._keep(key, found)
        return found

    def _make(self, run: str, after: int) -> Page:
        found = events.page(self._connection, run, after, PAGE)
        last = found[-1].sequence
        answer = wire.WatchRunResponse(last_sequence=last)
        translate.add_events(answer.events, found)
        return Page(answer.SerializeToString(), last, len(found) == PAGE)

    def _keep(self, key: tuple[str, int], page: Page) -> None:
        old = self._made.pop(key, None)
        self._made[key] = page
        self._bytes += len(page.message) - (0 if old is None else len(old.message))
        while self._bytes > _MOST_BYTES:
            _, dropped = self._made.popitem(last=False)
            self._bytes -= len(dropped.message)


@dataclass(slots=True, kw_only=True)
class RunLog:
    """A run's log as its followers see it: the newest sequence, and whether none will follow."""

    run: str
    pages: Pages
    newest: int = 0
    over: bool = False
    followers: int = 0
    _next: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def next(self) -> "asyncio.Future[None]":
        """Return what is done when the log has grown, the run has ended, or the daemon goes away."""
        return self._next

    def page(self, after: int) -> Page | None:
        """Return what comes after a sequence, None when nothing does yet."""
        return None if after >= self.newest else self.pages.get(self.run, after, self.newest)

    def update(self, state: RunState, newest: int) -> None:
        """Take over what the store says, and wake the followers when it is news."""
        over = state in RUN_ENDED
        if (newest, over) != (self.newest, self.over):
            self.newest, self.over = newest, over
            self.ring()

    def ring(self) -> None:
        """Wake the followers."""
        self._next.set_result(None)
        self._next = asyncio.get_running_loop().create_future()


class RunLogs:
    """All logs that are followed; after a commit it asks the store once for all of them."""

    def __init__(self, connection: sqlite3.Connection, changes: Changes) -> None:
        self._connection = connection
        self._changes = changes
        self._pages = Pages(connection)
        self._open: dict[str, RunLog] = {}
        changes.heard_by(self._look)

    @property
    def draining(self) -> bool:
        """Whether the daemon goes away."""
        return self._changes.draining

    @property
    def followers(self) -> Followers:
        """All who follow something, for those who measure how late they are."""
        return self._changes.followers

    @contextmanager
    def follow(self, run: str) -> Iterator[RunLog]:
        """Yield the log of a run that is in the store, up to date for as long as the block lasts."""
        log = self._open.get(run)
        if log is None:
            log = self._open[run] = RunLog(run=run, pages=self._pages)
            self._update([log])
        log.followers += 1
        try:
            yield log
        finally:
            log.followers -= 1
            if not log.followers:
                del self._open[run]

    def _look(self) -> None:
        self._update(list(self._open.values()))
        if self.draining:
            for log in self._open.values():
                log.ring()

    def _update(self, logs: list[RunLog]) -> None:
        if not logs:
            return
        found = runs.states(self._connection, json.dumps([log.run for log in logs]))
        for log in logs:
            if log.run in found:
                log.update(*found[log.run])
