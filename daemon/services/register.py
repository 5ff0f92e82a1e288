"""Put every service on a server: the one place that lists them."""

import grpc
import grpc.aio
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from tunewright.daemon.parts import Parts
from tunewright.daemon.services.artifacts import ArtifactService
from tunewright.daemon.services.deployments import DeploymentService
from tunewright.daemon.services.logs import LogService
from tunewright.daemon.services.runs import RunService
from tunewright.daemon.services.server import ServerService
from tunewright.daemon.services.specs import SpecService
from tunewright.proto.v1 import (
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    deployment_service_pb2,
    deployment_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    run_service_pb2,
    run_service_pb2_grpc,
    server_service_pb2,
    server_service_pb2_grpc,
    spec_service_pb2,
    spec_service_pb2_grpc,
)

SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (spec_service_pb2, "SpecService"),
        (run_service_pb2, "RunService"),
        (log_service_pb2, "LogService"),
        (artifact_service_pb2, "ArtifactService"),
        (deployment_service_pb2, "DeploymentService"),
        (server_service_pb2, "ServerService"),
    )
)


def add_services(server: grpc.aio.Server, parts: Parts, addresses: tuple[str, ...]) -> None:
    """Put our services and reflection on a server that listens on `addresses`."""
    database, home, ledger = parts.database, parts.home, parts.ledger
    reconciler = parts.reconciler
    spec_service_pb2_grpc.add_SpecServiceServicer_to_server(SpecService(parts.compiler, parts.admission), server)
    run_service = RunService(
        compiler=parts.compiler,
        admission=parts.admission,
        ledger=ledger,
        changes=parts.changes,
        wake=reconciler.wake,
    )
    run_service_pb2_grpc.add_RunServiceServicer_to_server(run_service, server)
    log_service = LogService(ledger=ledger, home=home, changes=parts.changes)
    log_service_pb2_grpc.add_LogServiceServicer_to_server(log_service, server)
    artifact_service = ArtifactService(database=database, home=home)
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(artifact_service, server)
    deployment_service = DeploymentService(database=database, keeper=parts.deployments)
    deployment_service_pb2_grpc.add_DeploymentServiceServicer_to_server(deployment_service, server)
    server_service = ServerService(
        database=database,
        home=home,
        private=parts.settings.private,
        addresses=addresses,
        start_time=parts.clock.now(),
        active_runs=lambda: reconciler.active_runs,
        shut_down=parts.ending.set,
    )
    server_service_pb2_grpc.add_ServerServiceServicer_to_server(server_service, server)
    reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
