"""The composition root: what a daemon is made of, how it starts, and how it ends."""

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from tunewright.daemon.changes import Changes
from tunewright.daemon.clock import Clock, system_clock
from tunewright.daemon.compile import Compiler, compile_with
from tunewright.daemon.engine.admission import Admission
from tunewright.daemon.engine.attempts import AttemptKeeper
from tunewright.daemon.engine.deployments import DeploymentKeeper
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.reconciler import Reconciler
from tunewright.daemon.engine.results import Results
from tunewright.daemon.engine.step_files import Interpreters
from tunewright.daemon.home import Home, HomeTakenError, cache_folder
from tunewright.daemon.log import log_to_stderr
from tunewright.daemon.services.artifacts import ArtifactService
from tunewright.daemon.services.border import Activity, Border
from tunewright.daemon.services.deployments import DeploymentService
from tunewright.daemon.services.logs import LogService
from tunewright.daemon.services.runs import RunService
from tunewright.daemon.services.server import ServerService
from tunewright.daemon.services.specs import SpecService
from tunewright.daemon.settings import Settings, SettingsError
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.schema import SchemaError
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

_log = logging.getLogger(__name__)

EXIT_REFUSED = 3
_GRACE_SECONDS = 2.0
_OPTIONS = (
    # gRPC shares ports by default: a second daemon would silently take half of the connections.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
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


class ListenError(RuntimeError):
    """An address can't be listened on."""


def serve(settings: Settings, compiler: Compiler | None = None, clock: Clock | None = None) -> int:
    """Run a daemon until it is stopped; return its exit code. `compiler` and `clock` replace ours in tests."""
    log_to_stderr()
    home = Home(settings.home)
    try:
        settings.check()
        home.create()
        owned = home.take()
    except (SettingsError, HomeTakenError, OSError) as error:
        return _refuse(str(error))
    try:
        return asyncio.run(_serve(settings, home, compiler, clock or system_clock()))
    except (SchemaError, ListenError) as error:
        return _refuse(str(error))
    finally:
        os.close(owned)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"tunewright daemon: {sentence}\n")
    return EXIT_REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    settings: Settings
    home: Home
    clock: Clock
    database: Database
    changes: Changes
    activity: Activity
    ledger: Ledger
    deployments: DeploymentKeeper
    reconciler: Reconciler
    admission: Admission
    compiler: Compiler
    ending: asyncio.Event


def _assemble(settings: Settings, home: Home, compiler: Compiler | None, clock: Clock) -> _Parts:
    environments = cache_folder() / "environments"
    interpreters = Interpreters(environments)
    database, changes = Database(home.database), Changes()
    database.start(changes.ring)
    ledger = Ledger(database, clock)
    deployments = DeploymentKeeper(ledger, home)
    keeper = AttemptKeeper(ledger, home, interpreters)
    reconciler = Reconciler(ledger, home, keeper, deployments, settings.slots)
    deployments.ended = reconciler.wake_all
    return _Parts(
        settings=settings,
        home=home,
        clock=clock,
        database=database,
        changes=changes,
        activity=Activity(),
        ledger=ledger,
        deployments=deployments,
        reconciler=reconciler,
        admission=Admission(database, clock, Results(database.read, home), interpreters),
        compiler=compiler or compile_with(home.root, environments),
        ending=asyncio.Event(),
    )


def _add_services(server: grpc.aio.Server, parts: _Parts, addresses: tuple[str, ...]) -> None:
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


async def _serve(settings: Settings, home: Home, compiler: Compiler | None, clock: Clock) -> int:
    parts = _assemble(settings, home, compiler, clock)
    server = grpc.aio.server(interceptors=(Border(parts.activity),), options=_OPTIONS)
    addresses = _listen(server, settings, home)
    _add_services(server, parts, addresses)
    vitals = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(vitals, server)

    _end_on_signals(parts.ending)
    parts.reconciler.start()
    kept = [asyncio.create_task(parts.deployments.keep(), name="deployments")]
    if settings.private:
        kept.append(asyncio.create_task(_end_when_idle(parts), name="idle"))
    await server.start()
    await _tell(vitals, health_pb2.HealthCheckResponse.SERVING)
    _log.info("ready on %s with home %s", ", ".join(addresses), home.root)

    await parts.ending.wait()
    _log.info("ending; runners and deployments go on")
    await _tell(vitals, health_pb2.HealthCheckResponse.NOT_SERVING)
    parts.changes.drain()
    await server.stop(_GRACE_SECONDS)
    for task in kept:
        task.cancel()
    await asyncio.gather(*kept, return_exceptions=True)
    await parts.reconciler.stop()
    await parts.database.close()
    home.socket.unlink(missing_ok=True)
    return 0


def _listen(server: grpc.aio.Server, settings: Settings, home: Home) -> tuple[str, ...]:
    # The home is ours, so a socket that lies there is nobody's. It must never be open to others, not even for a moment.
    home.socket.unlink(missing_ok=True)
    addresses = [f"unix:{home.socket}"]
    before = os.umask(0o177)
    try:
        server.add_insecure_port(addresses[0])
    except RuntimeError as error:
        raise ListenError(f"can't listen on {home.socket}: {error}") from error
    finally:
        os.umask(before)
    if settings.listen is not None:
        host, _, _ = settings.listen.rpartition(":")
        try:
            port = server.add_insecure_port(settings.listen)
        except RuntimeError as error:
            message = f"can't listen on {settings.listen}: something else does; stop it or choose another port"
            raise ListenError(message) from error
        addresses.append(f"{host}:{port}")
    return tuple(addresses)


def _end_on_signals(ending: asyncio.Event) -> None:
    def end() -> None:
        if ending.is_set():
            os._exit(128 + signal.SIGTERM)  # asked twice: stop at once; the next start finds everything in the store
        ending.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


async def _end_when_idle(parts: _Parts) -> None:
    """Deployments do not count: their supervisors outlive us, and the next daemon takes them up again."""
    limit = parts.settings.idle_seconds
    while parts.reconciler.active_runs or parts.activity.idle_seconds() < limit:
        await asyncio.sleep(min(1.0, limit / 4))
    _log.info("nobody has used this private daemon for %g s", limit)
    parts.ending.set()


async def _tell(vitals: HealthServicer, state: health_pb2.HealthCheckResponse.ServingStatus) -> None:
    for service in ("", *SERVICES):
        await vitals.set(service, state)
