"""Ask live services now and then whether they are well. What is remembered here only decides when to ask next."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.compiler.ir.plan import Supervision
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.supervise import answers

_Key = tuple[int, int]


@dataclass(slots=True)
class _Pulse:
    """What is known of one attempt: when to ask next (the event loop's time), and how often nobody answered."""

    next_time: float
    missed: int = 0
    asking: "asyncio.Task[tuple[bool, float]] | None" = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The last answer of a service: whether it is well, and how long it took; `missed` counts all that did not come."""

    well: bool
    seconds: float
    missed: int


@dataclass(slots=True)
class Liveness:
    """Asks without making anybody wait: a service that hangs holds up no other one. `heard` is by deployment."""

    heard: dict[int, Heard] = field(default_factory=dict)
    _pulses: dict[_Key, _Pulse] = field(default_factory=dict)

    def is_dead(self, deployment: DeploymentRecord, bundle: Path, supervision: Supervision) -> bool:
        """Answer whether a service has missed so many questions in a row that it counts as dead, and ask when it is
        time.
        """
        now = asyncio.get_running_loop().time()
        pulse = self._pulses.setdefault((deployment.id, deployment.attempt), _Pulse(now + supervision.interval_seconds))
        if pulse.asking is None and now >= pulse.next_time:
            path, seconds = supervision.health_path, supervision.timeout_seconds
            question = asyncio.to_thread(_ask, bundle, deployment.address, path, seconds)
            pulse.asking = asyncio.create_task(question, name=f"pulse of deployment {deployment.name}")
        elif pulse.asking is not None and pulse.asking.done():
            # Set anew before the answer is read: a question that failed in an unforeseen way must not be the last one.
            asked, pulse.asking, pulse.next_time = pulse.asking, None, now + supervision.interval_seconds
            pulse.missed = 0 if self._hear(deployment.id, *asked.result()) else pulse.missed + 1
        return pulse.missed >= supervision.failures

    def _hear(self, deployment: int, well: bool, seconds: float) -> bool:
        before = self.heard.get(deployment)
        self.heard[deployment] = Heard(well, seconds, (before.missed if before else 0) + (not well))
        return well

    def forget(self, deployment: int, attempt: int) -> None:
        """Forget an attempt that has ended."""
        self.heard.pop(deployment, None)
        pulse = self._pulses.pop((deployment, attempt), None)
        if pulse is not None and pulse.asking is not None:
            pulse.asking.cancel()


def _ask(bundle: Path, address: str, path: str, timeout_seconds: float) -> tuple[bool, float]:
    begun = time.perf_counter()
    return answers(bundle, address, path, timeout_seconds), time.perf_counter() - begun
