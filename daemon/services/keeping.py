"""KeepingService: collect what nothing keeps, and hold what must stay."""

import re
from dataclasses import dataclass
from typing import Any

from tunewright.daemon.access.calls import current
from tunewright.daemon.clock import Clock
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.retention.collector import Collector, Sized
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import artifacts, holds, runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.holds import HoldRecord
from tunewright.proto.v1 import keeping_service_pb2 as wire
from tunewright.proto.v1 import keeping_service_pb2_grpc

_MOST_GARBAGE = 1000
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingService(keeping_service_pb2_grpc.KeepingServiceServicer):
    """The collector works; holds are rows."""

    database: Database
    clock: Clock
    collector: Collector

    async def CollectGarbage(self, request: wire.CollectGarbageRequest, context: Any) -> wire.CollectGarbageResponse:
        """Collect by the site's retention, or say what would go."""
        retention = await self.collector.retention()
        work = self.collector.foresee if request.validate_only else self.collector.collect
        found = await work(retention)
        return wire.CollectGarbageResponse(
            retention=wire.Retention(
                artifacts_days=retention.artifacts_days,
                checkpoints_days=retention.checkpoints_days,
                logs_days=retention.logs_days,
                keep_last=retention.keep_last,
            ),
            garbage=[_garbage_message(item) for item in found[:_MOST_GARBAGE]],
            garbage_count=len(found),
            size_bytes=sum(item.size_bytes for item in found),
        )

    async def CreateHold(self, request: wire.CreateHoldRequest, context: Any) -> wire.CreateHoldResponse:
        """Store a hold."""
        subject, project = self._subject(request.subject)
        hold = HoldRecord(
            subject=subject,
            project=project,
            reason=_reason(request.reason),
            create_time=self.clock.now(),
            created_by=current().identity.subject,
        )
        stored = await self.database.write(lambda connection: holds.create(connection, hold))
        return wire.CreateHoldResponse(hold=_hold_message(stored))

    async def ReleaseHold(self, request: wire.ReleaseHoldRequest, context: Any) -> wire.ReleaseHoldResponse:
        """Release a hold."""
        subject, _ = self._subject(request.subject)
        reason, actor, now = _reason(request.reason), current().identity.subject, self.clock.now()
        released = await self.database.write(lambda connection: holds.release(connection, subject, reason, actor, now))
        if released is None:
            raise RefusedError("HOLD_NOT_FOUND", f"nobody holds {subject}", subject=subject)
        return wire.ReleaseHoldResponse(hold=_hold_message(released))

    async def ListHolds(self, request: wire.ListHoldsRequest, context: Any) -> wire.ListHoldsResponse:
        """Answer a page of holds."""
        asked = page(request, 50, 500)
        found = holds.page(
            self.database.read, before=asked.position, limit=asked.size + 1, show_released=request.show_released
        )
        answer = wire.ListHoldsResponse(holds=[_hold_message(item) for item in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].id)
        return answer

    def _subject(self, name: str) -> tuple[str, str]:
        """Return what a name stands for, and its project."""
        collection, _, identifier = name.partition("/")
        if collection == "runs" and identifier:
            project = runs.project_of(self.database.read, identifier)
            if project is None:
                raise requests.run_missing(identifier)
            return name, project
        if collection == "artifacts" and _DIGEST.fullmatch(identifier):
            found = artifacts.of_digest_prefix(self.database.read, identifier, 1)
            if not found:
                raise RefusedError("ARTIFACT_NOT_FOUND", f"there is no artifact {identifier}", digest=identifier)
            return name, found[0].project
        raise requests.invalid("subject", "must be `runs/ID` or `artifacts/` and the 64 digits of a digest")


def _reason(text: str) -> str:
    if not text.strip():
        raise requests.invalid("reason", "must say why: it is kept with the hold")
    return requests.note(text, "reason")


def _garbage_message(item: Sized) -> wire.Garbage:
    garbage = item.garbage
    return wire.Garbage(
        kind=wire.GarbageKind.Value(f"GARBAGE_KIND_{garbage.kind.upper()}"),
        subject=garbage.subject,
        project=garbage.project,
        size_bytes=item.size_bytes,
        reason=garbage.reason,
    )


def _hold_message(record: HoldRecord) -> wire.Hold:
    return wire.Hold(
        name=f"holds/{record.id}",
        subject=record.subject,
        project=record.project,
        reason=record.reason,
        create_time=translate.time(record.create_time),
        created_by=record.created_by,
        release_time=None if record.release_time is None else translate.time(record.release_time),
        released_by=record.released_by,
        release_reason=record.release_reason,
    )
