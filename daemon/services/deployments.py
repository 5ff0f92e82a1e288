"""DeploymentService: the services that stay."""

from dataclasses import dataclass
from typing import Any

from tunewright.daemon.engine.deployments import DeploymentKeeper
from tunewright.daemon.engine.states import DeploymentState
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services import requests, translate
from tunewright.daemon.store import deployments
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.proto.v1 import deployment_service_pb2 as wire
from tunewright.proto.v1 import deployment_service_pb2_grpc, run_service_pb2


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
        size = requests.page_size(request.page_size, 50, 500)
        before = requests.page_position(request.page_token)
        found = deployments.page(self.database.read, before=before, limit=size + 1, show_ended=request.show_ended)
        answer = wire.ListDeploymentsResponse(deployments=[translate.deployment(item) for item in found[:size]])
        if len(found) > size:
            answer.next_page_token = requests.page_token(found[size - 1].id)
        return answer

    async def StopDeployment(self, request: wire.StopDeploymentRequest, context: Any) -> wire.StopDeploymentResponse:
        """Store that a deployment is to stop."""
        record = self._newest(request.name)
        if record.state in (DeploymentState.LIVE, DeploymentState.STOPPING):
            await self.keeper.stop(record, "now" if request.mode == run_service_pb2.CANCEL_MODE_NOW else "graceful")
        return wire.StopDeploymentResponse(deployment=translate.deployment(self._newest(request.name)))

    def _newest(self, name: str) -> DeploymentRecord:
        identifier = requests.name_part(name, "deployments")
        record = deployments.newest(self.database.read, identifier)
        if record is None:
            message = f"there is no deployment {identifier[:100]}"
            raise RefusedError("DEPLOYMENT_NOT_FOUND", message, deployment=identifier)
        return record
