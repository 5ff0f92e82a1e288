"""Amounts of what steps share, and what one step needs of it."""

from dataclasses import dataclass

from tunewright.compiler.ir.plan import Step

#: Devices that nobody leases: the processor, and Apple's, of which a machine has one.
_NOT_LEASED = frozenset({"cpu", "mps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Accelerators, CPU slots and bytes of main memory. Differences may be negative: more is promised than there is."""

    devices: int = 0
    slots: int = 0
    memory_bytes: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            devices=self.devices + other.devices,
            slots=self.slots + other.slots,
            memory_bytes=self.memory_bytes + other.memory_bytes,
        )

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(
            devices=self.devices - other.devices,
            slots=self.slots - other.slots,
            memory_bytes=self.memory_bytes - other.memory_bytes,
        )

    def fits(self, room: "Resources") -> bool:
        """Answer whether there is room for this; what is not needed may be missing."""
        return not self.lacking(room)

    def lacking(self, room: "Resources") -> tuple[str, ...]:
        """Return the names of what there is too little of."""
        pairs = (
            ("devices", self.devices, room.devices),
            ("slots", self.slots, room.slots),
            ("memory_bytes", self.memory_bytes, room.memory_bytes),
        )
        return tuple(name for name, needed, there in pairs if needed and needed > there)


NOTHING = Resources()


def needs_of(step: Step) -> Resources:
    """Return what a step of a plan holds while it runs: an accelerator for each of its processes, else a CPU slot.

    A service that computes on the processor takes no slot: it stays, and would keep the slot from everybody. Main
    memory is what the estimate says of steps on the processor; for the others the plan knows only the device's.
    """
    if step.gate is not None:
        return NOTHING
    processes = 1 if step.launch is None else step.launch.processes_per_node
    if step.parameters.get("device", "cpu") in _NOT_LEASED:
        memory = (step.estimate.memory_bytes or 0) * processes
        return Resources(slots=0 if step.service else 1, memory_bytes=memory)
    parallel = step.parameters.get("tensor_parallel") if step.service else None
    return Resources(devices=parallel if isinstance(parallel, int) and parallel > 0 else processes)
