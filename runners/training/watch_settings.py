"""What the watchdog looks for and what it does about it, as typed values. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

WARN, ROLLBACK, PAUSE, STOP = "warn", "rollback_and_continue", "pause", "stop"
#: From the mildest to the strongest: when several signals trip at one step, the strongest decides.
POLICIES = (WARN, ROLLBACK, PAUSE, STOP)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFinite:
    """A loss or a gradient is NaN or infinite."""

    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSpike:
    """A loss lies `threshold` robust standard deviations above the last `window` ones; `warm_up` must be known."""

    policy: str
    threshold: float
    window: int
    warm_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientExplosion:
    """A gradient norm is `factor` times the median of the last `window` ones."""

    policy: str
    factor: float
    window: int
    warm_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroGradient:
    """The gradient is zero at `steps` steps in a row."""

    policy: str
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StalledStep:
    """A step takes `factor` times the median step, and at least `at_least_seconds`; or longer than `limit_seconds`."""

    policy: str
    factor: float
    at_least_seconds: float
    limit_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardCollapse:
    """Rewards do not differ any more, or their accuracy fell below chance, over `reports` reports."""

    policy: str
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """More than this share of the host's or the device's memory is in use."""

    policy: str
    host_share: float
    device_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """What `rollback_and_continue` does beside going back: scale the learning rate; and how often it is tried."""

    learning_rate_factor: float
    at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Every signal with its policy."""

    not_finite: NotFinite
    loss_spike: LossSpike
    gradient_explosion: GradientExplosion
    zero_gradient: ZeroGradient
    stalled_step: StalledStep
    reward_collapse: RewardCollapse
    memory: Memory
    rollback: Rollback

    @staticmethod
    def from_parameters(values: Mapping[str, Any]) -> "Watch":
        """Read the `watch` object of a step's parameters; raise TypeError or ValueError where it is another's."""
        watch = Watch(**{item.name: item.type(**values[item.name]) for item in fields(Watch)})  # type: ignore[operator]
        for name in SIGNALS:
            if (policy := getattr(watch, name).policy) not in POLICIES:
                raise ValueError(f"unknown policy `{policy}` of `{name}`")
        return watch


SIGNALS = tuple(item.name for item in fields(Watch) if item.name != "rollback")
