"""ServerService: the daemon about itself."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tunewright import __version__
from tunewright.daemon.access.calls import current
from tunewright.daemon.access.door import Evidence
from tunewright.daemon.access.roles import Permission
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.devices.keeper import DeviceKeeper
from tunewright.daemon.engine.maintenance import MaintenanceKeeper
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.machine import device_message, machine_event_message, maintenance_message
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import deployments, devices, machine_log, runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.devices import DeviceRecord
from tunewright.daemon.supervise import Groups
from tunewright.proto.v1 import device_pb2, server_service_pb2_grpc
from tunewright.proto.v1 import server_service_pb2 as wire

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
    devices: DeviceKeeper
    maintenance: MaintenanceKeeper
    groups: Groups

    async def GetServerInfo(self, request: wire.GetServerInfoRequest, context: Any) -> wire.GetServerInfoResponse:
        """Answer who answers."""
        projects = current().projects
        alive = [
            record for record in deployments.alive(self.database.read) if projects is None or record.project in projects
        ]
        waiting = self.active_runs() if projects is None else runs.count_active(self.database.read, projects=projects)
        return wire.GetServerInfoResponse(
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
            maintenance=self._maintenance(),
            step_limits=wire.StepLimits(enforced=self.groups.enforced, reason=self.groups.reason),
        )

    async def Shutdown(self, request: wire.ShutdownRequest, context: Any) -> wire.ShutdownResponse:
        """Begin the end, for callers who could as well send a signal."""
        if not Evidence(peer=context.peer()).is_home_socket:
            raise RefusedError("LOCAL_ONLY", "only callers on the socket in its home may stop the daemon")
        self.shut_down()
        return wire.ShutdownResponse()

    async def ListDevices(self, request: wire.ListDevicesRequest, context: Any) -> wire.ListDevicesResponse:
        """Answer every device that was ever here."""
        return wire.ListDevicesResponse(devices=[self._device(record) for record in devices.every(self.database.read)])

    async def ReleaseDevice(self, request: wire.ReleaseDeviceRequest, context: Any) -> wire.ReleaseDeviceResponse:
        """Take a device out of quarantine."""
        uuid = requests.name_part(request.name, "devices")
        reason = requests.note(request.reason, "reason")
        if not reason.strip():
            raise requests.invalid("reason", "must say why the device may be used again: it is kept")
        if devices.get(self.database.read, uuid) is None:
            raise RefusedError("DEVICE_NOT_FOUND", f"there is no device {uuid[:100]}", device=uuid)
        record = await self.devices.release(uuid, reason)
        if record is None:
            raise RefusedError("DEVICE_NOT_QUARANTINED", f"device {uuid} is not in quarantine", device=uuid)
        return wire.ReleaseDeviceResponse(device=self._device(record))

    async def ListMachineEvents(
        self, request: wire.ListMachineEventsRequest, context: Any
    ) -> wire.ListMachineEventsResponse:
        """Answer a page of what has happened to the machine."""
        asked = page(request, 100, 1000)
        found = machine_log.entries(self.database.read, before=asked.position, limit=asked.size + 1)
        answer = wire.ListMachineEventsResponse(events=[machine_event_message(item) for item in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].sequence)
        return answer

    async def DrainServer(self, request: wire.DrainServerRequest, context: Any) -> wire.DrainServerResponse:
        """Begin maintenance."""
        begun = await self.maintenance.begin(
            reason=requests.note(request.reason, "reason"),
            checkpoint=request.checkpoint,
            deadline_seconds=request.deadline_seconds,
        )
        return wire.DrainServerResponse(maintenance=maintenance_message(begun, self.maintenance.running()))

    async def UndrainServer(self, request: wire.UndrainServerRequest, context: Any) -> wire.UndrainServerResponse:
        """End maintenance."""
        await self.maintenance.end()
        return wire.UndrainServerResponse()

    def _maintenance(self) -> wire.Maintenance | None:
        lasting = self.maintenance.current()
        return None if lasting is None else maintenance_message(lasting, self.maintenance.running())

    def _device(self, record: DeviceRecord) -> device_pb2.Device:
        """Who has it, or had it, is for those who may see that run."""
        holder = self.devices.holder(record.uuid)
        visible = current().identity.projects(Permission.READ)
        told = holder is not None and (visible is None or holder.project in visible)

        def may_see(run: str) -> bool:
            return visible is None or runs.project_of(self.database.read, run) in visible

        return device_message(
            replace(record, reason=devices.reason_for(record.reason, may_see)),
            self.devices.samples.get(record.uuid),
            leased=holder is not None,
            holder=holder.name if holder is not None and told else "",
        )
