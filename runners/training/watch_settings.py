"""What the watchdog looks for and what it does about it, as typed values. Standard library only."""

from dataclasses import dataclass

WARN, ROLLBACK, PAUSE, STOP = "warn", "rollback_and_continue", "pause", "stop"
#: From the mildest to the strongest: when several signals trip at one step, the strongest decides.
POLICIES = (WARN, ROLLBACK, PAUSE, STOP)
SIGNALS = (
    "not_finite",
    "loss_spike",
    "gradient_explosion",
    "zero_gradient",
    "stalled_step",
    "reward_collapse",
    "memory",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Each signal's policy and when it trips; the words are those of the `watch` section (spec/model/watch.py)."""

    not_finite: str
    loss_spike: str
    loss_spike_threshold: float
    gradient_explosion: str
    gradient_explosion_factor: float
    window: int
    warm_up: int
    zero_gradient: str
    zero_gradient_steps: int
    stalled_step: str
    stalled_step_factor: float
    stalled_step_at_least_seconds: float
    stalled_step_limit_seconds: float | None
    reward_collapse: str
    reward_collapse_reports: int
    memory: str
    host_memory_share: float
    device_memory_share: float
    rollbacks: int
    rollback_learning_rate_factor: float

    def policy(self, signal: str) -> str:
        """Return what is done when a signal trips."""
        policy: str = getattr(self, signal)
        return policy
