"""The calls about the daemon's machine as values; see `calls`."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from tunewright.client.calls import Call, Page
from tunewright.client.machine_values import Device, MachineEvent, Maintenance
from tunewright.client.wire import maintenance, time_of
from tunewright.proto.v1 import device_pb2, server_service_pb2_grpc
from tunewright.proto.v1 import server_service_pb2 as wire

Answer = TypeVar("Answer")


def list_devices() -> Call[tuple[Device, ...]]:
    """Every device."""
    return _call(
        "ListDevices", wire.ListDevicesRequest(), lambda answer: tuple(_device(item) for item in answer.devices)
    )


def release_device(uuid: str, *, reason: str) -> Call[Device]:
    """A device out of quarantine. Sent again it would find none there."""
    request = wire.ReleaseDeviceRequest(name=f"devices/{uuid}", reason=reason)
    return _call("ReleaseDevice", request, lambda answer: _device(answer.device), repeatable=False)


def list_machine_events(token: str) -> Call[Page[MachineEvent]]:
    """A page of the log of the machine."""
    request = wire.ListMachineEventsRequest(page_token=token)
    return _call(
        "ListMachineEvents", request, lambda answer: ([_event(item) for item in answer.events], answer.next_page_token)
    )


def drain(*, reason: str, checkpoint: bool, deadline_seconds: int) -> Call[Maintenance]:
    """Maintenance that begins, or is changed."""
    request = wire.DrainServerRequest(reason=reason, checkpoint=checkpoint, deadline_seconds=deadline_seconds)
    return _call("DrainServer", request, lambda answer: maintenance(answer.maintenance))


def undrain() -> Call[None]:
    """The end of maintenance."""
    return _call("UndrainServer", wire.UndrainServerRequest(), lambda _: None)


def _call(method: str, request: Any, read: Callable[[Any], Answer], *, repeatable: bool = True) -> Call[Answer]:
    stub = server_service_pb2_grpc.ServerServiceStub
    return Call(stub=stub, method=method, request=request, read=read, repeatable=repeatable)


def _event(message: wire.MachineEvent) -> MachineEvent:
    return MachineEvent(
        sequence=message.sequence,
        time=time_of(message, "time"),
        kind=message.kind,
        subject=message.subject.removeprefix("devices/"),
        actor=message.actor,
        reason=message.reason,
        body=json.loads(message.body_json),
    )


def _device(message: Any) -> Device:
    def told(field: str) -> Any:
        return getattr(message, field) if message.HasField(field) else None

    return Device(
        uuid=message.name.removeprefix("devices/"),
        index=message.index,
        model=message.model,
        kind=message.kind,
        memory_bytes=message.memory_bytes,
        parent=message.parent,
        state=device_pb2.DeviceState.Name(message.state).removeprefix("DEVICE_STATE_").lower(),
        reason=message.reason,
        change_time=time_of(message, "change_time"),
        holder=_step_of(message.holder),
        memory_used_bytes=told("memory_used_bytes"),
        utilization=told("utilization"),
        temperature_celsius=told("temperature_celsius"),
        power_watts=told("power_watts"),
        processes=tuple(message.processes),
        uncorrectable_errors=told("uncorrectable_errors"),
    )


def _step_of(name: str) -> tuple[str, str] | None:
    match name.split("/"):
        case ["runs", run, "steps", step]:
            return run, step
        case _:
            return None
