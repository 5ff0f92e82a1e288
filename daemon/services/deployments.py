"""DeploymentService: the services that stay."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from tunewright.daemon.access.calls import current
from tunewright.daemon.engine.deployments import DeploymentKeeper
from tunewright.daemon.engine.states import DeploymentState
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.mutations import ReplayedError, mutation
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import deployments
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.deployments import DeploymentFilter, DeploymentRecord
from tunewright.proto.v1 import deployment_pb2, deployment_service_pb2_grpc, run_service_pb2
from tunewright.proto.v1 import deployment_service_pb2 as wire

_MODES: Mapping[int, Literal["graceful", "now"]] = {
    run_service_pb2.CANCEL_MODE_UNSPECIFIED: "graceful",
    run_service_pb2.CANCEL_MODE_GRACEFUL: "graceful",
    run_service_pb2.CANCEL_MODE_NOW: "now",
}
_STATES: Mapping[int, DeploymentState] = {
    deployment_pb2.DeploymentState.Value(f"DEPLOYMENT_STATE_{state.upper()}"): state for state in DeploymentState
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentService(deployment_service_pb2_grpc.DeploymentServiceServicer):
    """Reads the store; the keeper sees to stopping."""

    database: Database
    keeper: DeploymentKeeper

    async def GetDeployment(self, request: wire.GetDeploymentRequest, context: Any) -> wire.GetDeploymentResponse:
        """Answer the newest revision."""
        return wire.GetDeploymentResponse(deployment=translate.deployment(self._newest(request.name)))

    async def ListDeployments(self, request: wire.ListDeploymentsRequest, context: Any) -> wire.ListDeploymentsResponse:
        """Answer a page of revisions."""
        asked = page(request, 50, 500)
        wanted = DeploymentFilter(
            spec_name=request.spec_name,
            show_ended=request.show_ended,
            projects=current().projects,
            states=requests.choices(request.states, _STATES, "states"),
        )
        found = deployments.page(self.database.read, wanted, before=asked.position, limit=asked.size + 1)
        answer = wire.ListDeploymentsResponse(deployments=[translate.deployment(item) for item in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].id)
        return answer

    async def StopDeployment(self, request: wire.StopDeploymentRequest, context: Any) -> wire.StopDeploymentResponse:
        """Store that a deployment is to stop."""
        mode = requests.choice(request.mode, _MODES, "mode")
        asked, record = mutation(request), self._newest(request.name)
        if asked.replayed(self.database.read, record.project):
            return wire.StopDeploymentResponse(deployment=translate.deployment(record))
        asked.hold_to(record.etag, request.name)
        if record.state not in (DeploymentState.STOPPED, DeploymentState.FAILED):
            if asked.validate_only:
                record = replace(record, state=DeploymentState.STOPPING, stop_mode=mode)
                return wire.StopDeploymentResponse(deployment=translate.deployment(record))
            note = asked.note(record.project, request.name, self.keeper.ledger.clock)
            with suppress(ReplayedError):
                await self.keeper.stop(record, mode, note)
        return wire.StopDeploymentResponse(deployment=translate.deployment(self._newest(request.name)))

    def _newest(self, name: str) -> DeploymentRecord:
        identifier = requests.name_part(name, "deployments")
        record = deployments.newest(self.database.read, identifier)
        if record is None:
            raise requests.deployment_missing(identifier)
        return record
