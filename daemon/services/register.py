"""Put every service on a server: the one place that lists them."""

from collections.abc import Iterator

import grpc
import grpc.aio
from google.protobuf.descriptor_pool import Default
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from tunewright.daemon.access.certificates import watched_revocations
from tunewright.daemon.access.door import Door
from tunewright.daemon.access.oidc import Issuer
from tunewright.daemon.parts import Parts
from tunewright.daemon.services.access import AccessService
from tunewright.daemon.services.alerts import AlertService
from tunewright.daemon.services.artifacts import ArtifactService
from tunewright.daemon.services.authority import Authority
from tunewright.daemon.services.border import Border
from tunewright.daemon.services.deployments import DeploymentService
from tunewright.daemon.services.keeping import KeepingService
from tunewright.daemon.services.logs import LogService
from tunewright.daemon.services.queue import QueueService
from tunewright.daemon.services.run_logs import RunLogs
from tunewright.daemon.services.runs import RunService
from tunewright.daemon.services.server import ServerService
from tunewright.daemon.services.specs import SpecService
from tunewright.proto.v1 import (
    access_service_pb2,
    access_service_pb2_grpc,
    alert_service_pb2,
    alert_service_pb2_grpc,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    deployment_service_pb2,
    deployment_service_pb2_grpc,
    keeping_service_pb2,
    keeping_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    queue_service_pb2,
    queue_service_pb2_grpc,
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
        (access_service_pb2, "AccessService"),
        (keeping_service_pb2, "KeepingService"),
        (alert_service_pb2, "AlertService"),
        (queue_service_pb2, "QueueService"),
    )
)


def methods() -> Iterator[str]:
    """Yield every method that the daemon serves, as `package.Service/Method`."""
    for name in (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME):
        for method in Default().FindServiceByName(name).methods:
            yield f"{name}/{method.name}"


def build_border(parts: Parts) -> Border:
    """Return what stands around every call of a daemon; raise AccessError for certificates that can't be read."""
    site = parts.site()
    door = Door(
        database=parts.database,
        clock=parts.clock,
        site=parts.site,
        revoked=watched_revocations(site.certificates),
        issuer=None if site.oidc is None else Issuer(site.oidc),
        anonymous=parts.settings.anonymous,
        callers=parts.callers,
    )
    authority = Authority(database=parts.database, site=parts.site)
    return Border(
        activity=parts.activity,
        door=door,
        authority=authority,
        log=parts.access_log,
        measures=parts.measures,
        tracer=parts.ledger.tracer,
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
        home=home,
        points=parts.points,
        logs=RunLogs(database.read, parts.changes),
        queue=parts.queue,
        wake=reconciler.wake,
        wake_next=reconciler.wake_next,
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
        devices=parts.devices,
        maintenance=parts.maintenance,
        groups=parts.groups,
    )
    server_service_pb2_grpc.add_ServerServiceServicer_to_server(server_service, server)
    access_service = AccessService(database=database, clock=parts.clock, log=parts.access_log)
    access_service_pb2_grpc.add_AccessServiceServicer_to_server(access_service, server)
    keeping_service = KeepingService(database=database, clock=parts.clock, collector=parts.collector)
    keeping_service_pb2_grpc.add_KeepingServiceServicer_to_server(keeping_service, server)
    alert_service = AlertService(
        database=database,
        clock=parts.clock,
        settings=parts.alert_settings,
        deliverer=parts.alerts.deliverer,
        log=parts.access_log,
    )
    alert_service_pb2_grpc.add_AlertServiceServicer_to_server(alert_service, server)
    queue_service = QueueService(database=database, queue=parts.queue)
    queue_service_pb2_grpc.add_QueueServiceServicer_to_server(queue_service, server)
    reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
