"""QueueService: who has the machine, and who waits for it."""

from dataclasses import dataclass
from typing import Any

from tunewright.daemon.access.calls import current
from tunewright.daemon.queue.entries import Holding
from tunewright.daemon.queue.machine import is_slot
from tunewright.daemon.queue.order import Blocked
from tunewright.daemon.queue.queue import Outlook, Queue
from tunewright.daemon.queue.resources import NOTHING, Resources
from tunewright.daemon.queue.words import why
from tunewright.daemon.services import translate
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.projects import Projects
from tunewright.proto.v1 import queue_service_pb2 as wire
from tunewright.proto.v1 import queue_service_pb2_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueService(queue_service_pb2_grpc.QueueServiceServicer):
    """Reads what the queue has decided last."""

    database: Database
    queue: Queue

    async def ListQueue(self, request: wire.ListQueueRequest, context: Any) -> wire.ListQueueResponse:
        """Answer a page of the queue, and who has something of the machine."""
        projects, asked, outlook = current().projects, page(request, 100, 1000), self.queue.outlook()
        seen = [item for item in outlook.decision.blocked if _may_see(item.waiting.project, projects)]
        found = [item for item in seen if item.position > asked.position][: asked.size + 1]
        answer = wire.ListQueueResponse(
            steps=[self._queued(item, outlook, projects) for item in found[: asked.size]],
            other_steps=len(outlook.decision.blocked) - len(seen),
            holding=[
                self._holding(item, outlook)
                for item in outlook.holdings
                if item.holds != NOTHING and _may_see(item.project, projects)
            ],
            total=_supply(outlook.machine.total),
            free=_supply(outlook.free),
        )
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].position)
        return answer

    def _queued(self, item: Blocked, outlook: Outlook, projects: Projects) -> wire.QueuedStep:
        entry = item.waiting
        return wire.QueuedStep(
            name=f"runs/{entry.run}/steps/{entry.step}",
            spec_name=runs.spec_name_of(self.database.read, entry.run),
            project=entry.project,
            priority=entry.priority,
            needs=_supply(entry.needs),
            waiting=translate.waiting(why(item, outlook.machine, projects)),
        )

    def _holding(self, item: Holding, outlook: Outlook) -> wire.HoldingStep:
        return wire.HoldingStep(
            name=f"runs/{item.run}/steps/{item.step}",
            spec_name=runs.spec_name_of(self.database.read, item.run),
            project=item.project,
            priority=item.priority,
            holds=_supply(item.holds),
            devices=[unit for unit in outlook.held.get(item.key, ()) if not is_slot(unit)],
            start_time=translate.time(item.start),
            preemptible=item.preemptible,
            leaving=item.leaving,
        )


def _may_see(project: str, projects: Projects) -> bool:
    return projects is None or project in projects


def _supply(amount: Resources) -> wire.Supply:
    """More may be promised than there is: nothing is free then."""
    return wire.Supply(
        devices=max(0, amount.devices), slots=max(0, amount.slots), memory_bytes=max(0, amount.memory_bytes)
    )
