"""The inventory of a machine without accelerators: what computes there is the processor, which nobody leases."""

from tunewright.daemon.devices.device import Reading


class ProcessorOnly:
    """Has no devices, and takes no time to say so."""

    def read(self) -> tuple[Reading, ...]:
        """Return nothing."""
        return ()
