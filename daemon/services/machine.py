"""What the API says of devices, maintenance, and what has happened to both."""

from tunewright.daemon.devices.device import Sample
from tunewright.daemon.services import translate
from tunewright.daemon.store.devices import DeviceRecord, DeviceState
from tunewright.daemon.store.machine_log import MachineEntry
from tunewright.daemon.store.maintenance import Maintenance
from tunewright.proto.v1 import device_pb2, server_service_pb2

_LEASED = device_pb2.DEVICE_STATE_LEASED


def device_message(record: DeviceRecord, sample: Sample | None, *, leased: bool, holder: str) -> device_pb2.Device:
    """Return a device as it is; `holder` is empty where the caller may not know it."""
    state = device_pb2.DeviceState.Value(f"DEVICE_STATE_{record.state.upper()}")
    message = device_pb2.Device(
        name=f"devices/{record.uuid}",
        index=record.position,
        model=record.name,
        kind=record.device.kind,
        memory_bytes=record.memory_bytes,
        parent=record.parent or "",
        state=_LEASED if leased and record.state is DeviceState.FREE else state,
        reason=record.reason,
        change_time=translate.time(record.change_time),
        holder=holder,
    )
    if sample is not None:
        message.processes.extend(sorted(sample.processes))
        message.memory_used_bytes = sample.memory_used_bytes
        for name in ("utilization", "temperature_celsius", "power_watts", "uncorrectable_errors"):
            if (value := getattr(sample, name)) is not None:
                setattr(message, name, value)
    return message


def machine_event_message(entry: MachineEntry) -> server_service_pb2.MachineEvent:
    """Return an entry of the log of the machine."""
    return server_service_pb2.MachineEvent(
        sequence=entry.sequence,
        time=translate.time(entry.time),
        kind=entry.kind,
        subject=f"devices/{entry.subject}" if entry.subject else "",
        actor=entry.actor,
        reason=entry.reason,
        body_json=entry.body,
    )


def maintenance_message(value: Maintenance, running: int) -> server_service_pb2.Maintenance:
    """Return a maintenance, and how many steps it still waits for."""
    return server_service_pb2.Maintenance(
        reason=value.reason,
        checkpoint=value.checkpoint,
        deadline=None if value.deadline is None else translate.time(value.deadline),
        begin_time=translate.time(value.begin_time),
        begun_by=value.begun_by,
        running_steps=running,
    )
