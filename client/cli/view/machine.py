"""How the daemon's machine is shown: who answers, maintenance, devices."""

from collections.abc import Sequence

from tunewright.client.machine_values import Device, Maintenance
from tunewright.client.values import ServerInfo
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean_line
from tunewright.compiler.render.quantities import counted, size


def status_text(info: ServerInfo) -> str:
    """Return what a daemon says of itself, one line a fact."""
    limits = "kept" if info.steps_limited else "not kept"
    rows = [
        ("daemon", f"{info.version}, pid {info.pid}" + (", private" if info.private else "")),
        ("home", info.home),
        ("listens on", ", ".join(info.addresses)),
        ("since", f"{info.start_time.astimezone():%Y-%m-%d %H:%M:%S}" if info.start_time else ""),
        ("runs", f"{info.active_runs} not ended"),
        ("services", str(info.live_deployments)),
        ("step limits", limits + (f": {info.limits_reason}" if info.limits_reason else "")),
        ("maintenance", "none" if info.maintenance is None else maintenance_sentence(info.maintenance)),
    ]
    return "".join(f"{clean_line(line)}\n" for line in aligned(rows, indent=""))


def maintenance_sentence(value: Maintenance) -> str:
    """Return what holds during maintenance, in a line."""
    parts = ["no step begins"]
    if value.begin_time is not None:
        parts.append(f"since {value.begin_time.astimezone():%Y-%m-%d %H:%M:%S}")
    if value.begun_by:
        parts.append(f"by {value.begun_by}")
    sentence = " ".join(parts) + (f" ({clean_line(value.reason)})" if value.reason else "")
    running = f"{counted(value.running_steps, 'step')} still running"
    if value.checkpoint:
        running += ", asked to stop at a checkpoint"
    elif value.deadline is not None:
        running += f", asked to stop at a checkpoint from {value.deadline.astimezone():%Y-%m-%d %H:%M:%S}"
    return f"{sentence}; {running}"


def devices_table(devices: Sequence[Device]) -> str:
    """Return one line a device."""
    if not devices:
        return "no accelerators\n"
    rows = [("device", "kind", "state", "memory", "busy", "temp", "uuid", "")]
    rows += [
        (
            str(item.index),
            item.kind,
            item.state,
            _memory(item),
            "" if item.utilization is None else f"{item.utilization:.0%}",
            "" if item.temperature_celsius is None else f"{item.temperature_celsius:.0f} C",
            item.uuid,
            " ".join(item.holder) if item.holder is not None else clean_line(item.reason),
        )
        for item in devices
    ]
    return "\n".join(clean_line(line) for line in aligned(rows, indent="")) + "\n"


def _memory(device: Device) -> str:
    whole = size(device.memory_bytes)
    return whole if device.memory_used_bytes is None else f"{size(device.memory_used_bytes)} of {whole}"
