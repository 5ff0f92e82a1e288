"""The open documents: each change makes a snapshot; the newest is compiled in a worker, superseded ones are dropped.

What is found is published before the plan is made: that takes as long again, and people wait for the findings only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.lockfile import read_lock
from tunewright.client.lsp.snapshot import Snapshot

#: Pause after a keystroke before the compiler starts: shorter than people notice, longer than the next key takes.
DEBOUNCE_SECONDS = 0.08
#: How long a request waits for the compiler before it is answered with what is known already.
PATIENCE_SECONDS = 2.0

_LOG = logging.getLogger(__name__)

World = Callable[[], Mapping[str, Any]]
Publish = Callable[[Snapshot], None]


class OpenDocuments:
    """All documents that the editor holds. Every method runs in the event loop.

    `world` gives what the compiler is told about this machine; `publish` is called with each checked snapshot that is
    still the newest of its document, `complain` with a sentence when nothing can be compiled on this machine.
    """

    def __init__(self, executor: Executor, world: World, publish: Publish, complain: Callable[[str], None]) -> None:
        self._executor = executor
        self._world = world
        self._publish = publish
        self._complain = complain
        self._complaint = ""
        self._open: dict[str, _OpenDocument] = {}

    def put(self, uri: str, text: str, version: int | None, encoding: str) -> None:
        """Take in a document that was opened, or its next version."""
        document = self._open.get(uri)
        if document is None:
            snapshot = Snapshot(uri=uri, text=text, version=version, encoding=encoding)
            self._open[uri] = document = _OpenDocument(snapshot, self._checked, self._planned, self._publish)
            document.schedule(0)
        else:
            document.snapshot = document.snapshot.with_text(text, version)
            document.schedule(DEBOUNCE_SECONDS)

    def close(self, uri: str) -> None:
        """Forget a document."""
        document = self._open.pop(uri, None)
        if document is not None:
            document.stop()

    def compile_again(self) -> None:
        """Compile everything anew: files that specs name may have changed."""
        for document in self._open.values():
            document.snapshot = document.snapshot.with_text(document.snapshot.text, document.snapshot.version)
            document.schedule(DEBOUNCE_SECONDS)

    def newest(self, uri: str) -> Snapshot | None:
        """Return the newest snapshot of a spec, compiled or not; None for what is not open or no spec."""
        document = self._open.get(uri)
        return document.snapshot if document is not None and document.snapshot.is_spec else None

    async def compiled(self, uri: str) -> Snapshot | None:
        """Return the newest snapshot of a spec once it is compiled; as it is when that takes too long."""
        document = self._open.get(uri)
        if document is None or not document.snapshot.is_spec:
            return None
        await document.settle(PATIENCE_SECONDS)
        return document.snapshot

    def _check_here(self, snapshot: Snapshot) -> Snapshot:
        """Check with what this machine is, and what the lock beside the file pins. Runs in a worker."""
        return snapshot.checked(lock=read_lock(str(snapshot.path)), locked=False, **self._world())

    async def _checked(self, snapshot: Snapshot) -> Snapshot:
        if not snapshot.is_spec:
            return snapshot
        return await self._worked(snapshot, lambda: self._check_here(snapshot))

    async def _planned(self, snapshot: Snapshot) -> Snapshot:
        if snapshot.compilation is None:
            return snapshot
        return await self._worked(snapshot, snapshot.planned)

    async def _worked(self, snapshot: Snapshot, work: Callable[[], Snapshot]) -> Snapshot:
        """Return what the work in a thread makes of a snapshot; where it fails, complain and return the snapshot."""
        loop = asyncio.get_running_loop()
        try:
            compiled = await loop.run_in_executor(self._executor, work)
        except CommandError as error:
            compiled, complaint = snapshot, f"{error.message}: {error.help}"
        except Exception:
            _LOG.exception("compiling %s failed", snapshot.uri)
            compiled, complaint = snapshot, "the compiler failed: its log is on the server's standard error"
        else:
            complaint = ""
        # Once is enough: with the next keystroke nothing has changed.
        if complaint and complaint != self._complaint:
            self._complain(complaint)
        self._complaint = complaint
        return compiled


class _OpenDocument:
    """One document: at most one compilation of it runs, at most one waits."""

    def __init__(
        self,
        snapshot: Snapshot,
        check: Callable[[Snapshot], Awaitable[Snapshot]],
        plan: Callable[[Snapshot], Awaitable[Snapshot]],
        publish: Publish,
    ) -> None:
        self.snapshot = snapshot
        self._check = check
        self._plan = plan
        self._publish = publish
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._finished: Snapshot | None = None

    def schedule(self, delay: float) -> None:
        """Compile after a pause; an earlier appointment is void."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._start)

    def stop(self) -> None:
        """Let no result of this document come any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    async def settle(self, patience: float) -> None:
        """Wait until the newest snapshot is compiled, but not longer than `patience` seconds."""
        deadline = asyncio.get_running_loop().time() + patience
        while self.snapshot is not self._finished:
            if self._timer is not None:
                self._timer.cancel()
            task = self._start()
            left = deadline - asyncio.get_running_loop().time()
            # The task is everybody's: one impatient request does not end it.
            done, _ = await asyncio.wait([task], timeout=max(0.0, left))
            if not done or task.cancelled():
                return

    def _start(self) -> asyncio.Task[None]:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return self._task

    async def _run(self) -> None:
        while self.snapshot is not self._finished:
            wanted = self.snapshot
            result = await self._check(wanted)
            if self.snapshot is wanted:
                self.snapshot = result
                self._publish(result)
                await self._finish(result)
            elif result.known is not None:
                # Superseded: what it found out about models and data is still the newest there is.
                self.snapshot = replace(self.snapshot, last_good=result.known)
            if self._timer is not None:
                return  # the next version has its own appointment

    async def _finish(self, checked: Snapshot) -> None:
        """Make the plan of a checked snapshot, unless the next version comes meanwhile."""
        planned = await self._plan(checked)
        if self.snapshot is checked:
            self.snapshot = self._finished = planned
            # Making the plan finds nothing but mistakes of ours.
            if planned.found != checked.found:
                self._publish(planned)
