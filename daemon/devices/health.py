"""Decide how a device stands, from what is stored of it and how it is now. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.devices.device import Device, Reading, Sample
from tunewright.daemon.store.devices import DeviceRecord, DeviceState

_MIB, _GIB = 2**20, 2**30
#: Memory in use comes and goes a little on an idle device (a desktop, the driver's own); less than a program needs.
_LEAST_HELD_BYTES = 512 * _MIB
_HELD_SHARE = 0.05
_OUT_OF_SIGHT = "the driver does not list it any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What bears on one device at one look. `reading` is None for one that is not listed; `foreign` are pids of others
    that compute there; `leased`: a step of ours has it.
    """

    reading: Reading | None
    foreign: Collection[int] = ()
    leased: bool = False


def first_seen(device: Device, now: Milliseconds) -> DeviceRecord:
    """Return the record of a device that was never here; what it is like is judged like that of any other."""
    return DeviceRecord(
        uuid=device.uuid,
        position=device.index,
        name=device.name,
        memory_bytes=device.memory_bytes,
        parent=device.parent,
        state=DeviceState.MISSING,
        reason="",
        change_time=now,
        idle_bytes=None,
        known_errors=0,
    )


def judge(record: DeviceRecord, sight: Sight, now: Milliseconds, settle_seconds: float) -> DeviceRecord:
    """Return the device as it stands now; the same record where nothing has changed."""
    if sight.reading is not None:
        device = sight.reading.device
        record = replace(record, position=device.index, name=device.name, memory_bytes=device.memory_bytes)
    sample = sight.reading.sample if sight.reading is not None else None
    if sample is not None and record.idle_bytes is None and not sample.processes:
        record = replace(record, idle_bytes=sample.memory_used_bytes)
    state, reason = _state(record, sight, sample, now, settle_seconds)
    if (state, reason) == (record.state, record.reason):
        return record
    return replace(
        record,
        state=state,
        reason=reason,
        change_time=record.change_time if state is record.state else now,
    )


def released(record: DeviceRecord, sample: Sample | None, reason: str, now: Milliseconds) -> DeviceRecord:
    """Return a quarantined device that a person has taken back: what it is like now is accepted."""
    return replace(
        record,
        state=DeviceState.FREE,
        reason=reason,
        change_time=now,
        idle_bytes=None if sample is None or sample.processes else sample.memory_used_bytes,
        known_errors=(sample.uncorrectable_errors if sample is not None else None) or 0,
    )


def _state(
    record: DeviceRecord, sight: Sight, sample: Sample | None, now: Milliseconds, settle_seconds: float
) -> tuple[DeviceState, str]:
    if record.state is DeviceState.QUARANTINED:
        return record.state, record.reason
    if sample is None:
        return DeviceState.MISSING, sight.reading.silence if sight.reading is not None else _OUT_OF_SIGHT
    if (broken := _broken(record, sample)) is not None:
        return DeviceState.QUARANTINED, broken
    if record.state is DeviceState.SETTLING and not sight.foreign and _held(record, sample):
        if now - record.change_time < 1000 * settle_seconds:
            return record.state, record.reason
        kept = f"{_gib(sample.memory_used_bytes)} of memory have not come back {settle_seconds:g} s after"
        return DeviceState.QUARANTINED, f"{kept} {record.reason}"
    if sight.leased:
        return DeviceState.FREE, ""
    if sight.foreign:
        pids = ", ".join(str(pid) for pid in sorted(sight.foreign)[:5])
        return DeviceState.FOREIGN, f"processes that are not Tunewright's compute there: {pids}"
    if _held(record, sample) and not sample.processes:
        held = f"{_gib(sample.memory_used_bytes)} of memory are in use, by no process that can be seen from here"
        # The figure moves from look to look; what it means does not.
        return DeviceState.FOREIGN, record.reason if record.state is DeviceState.FOREIGN else held
    return DeviceState.FREE, record.reason if record.state is DeviceState.FREE else ""


def _broken(record: DeviceRecord, sample: Sample) -> str | None:
    if sample.fault is not None:
        return sample.fault
    if (errors := sample.uncorrectable_errors or 0) > record.known_errors:
        return f"uncorrectable errors of its memory: {errors - record.known_errors}"
    return None


def _held(record: DeviceRecord, sample: Sample) -> bool:
    allowed = max(_LEAST_HELD_BYTES, _HELD_SHARE * record.memory_bytes)
    return sample.memory_used_bytes > (record.idle_bytes or 0) + allowed


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
