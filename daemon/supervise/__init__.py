"""The daemon's side of a bundle: start it, see how it stands, read it, stop it, clean up after it."""

from tunewright.daemon.supervise.attach import BundleState, Exited, Lost, NotStarted, Running, probe
from tunewright.daemon.supervise.groups import Groups, find_groups
from tunewright.daemon.supervise.health import answers, is_foreign
from tunewright.daemon.supervise.kill import kill_leftovers, request_cancel, request_pause
from tunewright.daemon.supervise.launch import carry_work, launch, withhold
from tunewright.daemon.supervise.tail import Event, read_events, read_log
from tunewright.runners.supervision.record import ExitRecord, SealedOutputs

__all__ = [
    "BundleState",
    "Event",
    "ExitRecord",
    "Exited",
    "Groups",
    "Lost",
    "NotStarted",
    "Running",
    "SealedOutputs",
    "answers",
    "carry_work",
    "find_groups",
    "is_foreign",
    "kill_leftovers",
    "launch",
    "probe",
    "read_events",
    "read_log",
    "request_cancel",
    "request_pause",
    "withhold",
]
