"""ServerService: the daemon about itself."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunewright import __version__
from tunewright.daemon.access.calls import current
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.services import translate
from tunewright.daemon.store import deployments, runs
from tunewright.daemon.store.database import Database
from tunewright.proto.v1 import server_service_pb2, server_service_pb2_grpc

MIN_CLIENT_VERSION = "0.1.0"
#: What this API can do beyond its first release. Append only.
CAPABILITIES: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerService(server_service_pb2_grpc.ServerServiceServicer):
    """`active_runs` counts, `shut_down` begins the end."""

    database: Database
    home: Home
    private: bool
    addresses: tuple[str, ...]
    start_time: Milliseconds
    active_runs: Callable[[], int]
    shut_down: Callable[[], None]

    async def GetServerInfo(
        self, request: server_service_pb2.GetServerInfoRequest, context: Any
    ) -> server_service_pb2.GetServerInfoResponse:
        """Answer who answers."""
        projects = current().projects
        alive = [
            record for record in deployments.alive(self.database.read) if projects is None or record.project in projects
        ]
        waiting = self.active_runs() if projects is None else runs.count_active(self.database.read, projects=projects)
        return server_service_pb2.GetServerInfoResponse(
            version=__version__,
            min_client_version=MIN_CLIENT_VERSION,
            capabilities=CAPABILITIES,
            home=str(self.home.root),
            store_id=self.database.store_id,
            pid=os.getpid(),
            private=self.private,
            addresses=self.addresses,
            active_runs=waiting,
            live_deployments=len(alive),
            start_time=translate.time(self.start_time),
        )

    async def Shutdown(
        self, request: server_service_pb2.ShutdownRequest, context: Any
    ) -> server_service_pb2.ShutdownResponse:
        """Begin the end, for callers who could as well send a signal."""
        if not context.peer().startswith("unix:"):
            raise RefusedError("LOCAL_ONLY", "only callers on the Unix socket may stop the daemon")
        self.shut_down()
        return server_service_pb2.ShutdownResponse()
