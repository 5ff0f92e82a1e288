"""LogService: the bytes that runners wrote, by offset."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunewright.daemon.changes import Changes
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.states import STEP_ACTIVE
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.services import requests
from tunewright.daemon.store import attempts
from tunewright.daemon.supervise import Running, probe, read_log
from tunewright.proto.v1 import log_service_pb2, log_service_pb2_grpc
from tunewright.runners.contract import STDERR, STDOUT

_BLOCK_BYTES = 256 * 1024
_LOOK_SECONDS = 0.15
_LOOKS_TO_HEARTBEAT = 60
_Stream = Literal["stdout", "stderr"]
_STREAMS: Mapping[int, _Stream] = {
    log_service_pb2.LOG_STREAM_UNSPECIFIED: "stdout",
    log_service_pb2.LOG_STREAM_STDOUT: "stdout",
    log_service_pb2.LOG_STREAM_STDERR: "stderr",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogService(log_service_pb2_grpc.LogServiceServicer):
    """Reads files; nothing of it is in the store."""

    ledger: Ledger
    home: Home
    changes: Changes

    async def ReadLogs(
        self, request: log_service_pb2.ReadLogsRequest, context: Any
    ) -> AsyncIterator[log_service_pb2.ReadLogsResponse]:
        """Stream a log from an offset on; with `follow`, to the end of the attempt."""
        run, step = requests.step_parts(request.name)
        number = self._attempt(run, step, request.attempt)
        bundle = self.home.bundle(run, step, number)
        stream = requests.choice(request.stream, _STREAMS, "stream")
        offset = await asyncio.to_thread(_start, bundle, stream, request.offset)
        looks = 0
        while True:
            lives = request.follow and await self._lives(run, step, number, bundle)
            block, offset = await asyncio.to_thread(read_log, bundle, stream, offset, _BLOCK_BYTES)
            if block:
                yield log_service_pb2.ReadLogsResponse(data=block, next_offset=offset)
                continue
            if not lives:
                return
            if self.changes.draining:
                message = f"the daemon is going away; read on at offset {offset}"
                raise RefusedError("GOING_AWAY", message, next_offset=str(offset))
            looks += 1
            if looks % _LOOKS_TO_HEARTBEAT == 0:
                yield log_service_pb2.ReadLogsResponse(next_offset=offset)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _lives(self, run: str, step: str, number: int, bundle: Path) -> bool:
        """Asked before reading, so that nothing written before the end is missed. Deployments outlive their step."""
        record = self.ledger.get(run)
        if record is None or attempts.newest(self.ledger.database.read, run, step) != number:
            return False
        return record.step(step).state in STEP_ACTIVE or isinstance(await asyncio.to_thread(probe, bundle), Running)

    def _attempt(self, run: str, step: str, asked: int) -> int:
        record = self.ledger.get(run)
        if record is None:
            raise requests.run_missing(run)
        try:
            record.step(step)
        except KeyError:
            raise RefusedError("STEP_NOT_FOUND", f"run {run} has no step {step[:100]}", run=run, step=step) from None
        number = asked or attempts.newest(self.ledger.database.read, run, step)
        if attempts.get(self.ledger.database.read, run, step, number) is None:
            message = (
                f"step {step} of run {run} has no attempt {asked}"
                if asked
                else f"step {step} of run {run} was not started"
            )
            raise RefusedError("STEP_NOT_FOUND", message, run=run, step=step, attempt=str(asked))
        return number


def _start(bundle: Path, stream: _Stream, offset: int) -> int:
    if offset >= 0:
        return offset
    try:
        size = (bundle / (STDOUT if stream == "stdout" else STDERR)).lstat().st_size
    except FileNotFoundError:
        return 0
    return max(0, size + offset)
