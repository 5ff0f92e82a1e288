"""Is a training still healthy? Values in, verdicts out; no torch, no clock, no effects.

Every process of a distributed step feeds the same agreed values, so every process comes to the same verdicts at the
same step. The state can be saved with a checkpoint: a resumed training judges as an uninterrupted one does.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tunewright.runners.training.watch_settings import POLICIES, WARN, Watch

#: Turns a median absolute deviation into the standard deviation of normally distributed values.
_MAD_TO_SIGMA = 1.4826
#: Noise that is no news: a spike is told in multiples of at least this share of the median loss, and of this loss.
_LEAST_RELATIVE_SIGMA, _LEAST_SIGMA = 0.05, 0.02
#: A spike stands out of its window: above the highest loss there by this share of that one's height over the median,
#: and either this many times the highest or, in logarithms, by this share of the threshold.
_ABOVE_HIGHEST, _FAR_ABOVE_HIGHEST, _LOGARITHMIC = 0.5, 3.0, 0.7
#: An exploding gradient is also above the largest of its window by this factor.
_ABOVE_LARGEST_GRADIENT = 3.0
_ZERO = 1e-12
#: So many steps make a median of their durations.
_KNOWN_STEPS = 5
#: Rewards collapse when their accuracy, averaged, falls this far from its best, to below chance.
_ACCURACY_FALL, _CHANCE = 0.3, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What all processes agree on before an optimizer step. None: not known at this step.

    `loss`: mean over the processes; `gradient_norm`: before clipping; `host_share`, `device_share`: the largest use of
    any process's memory, as a share of what there is; `overflow_expected`: fp16, whose scaler skips infinite gradients.
    """

    step: int
    loss: float
    gradient_norm: float | None = None
    reward_std: float | None = None
    reward_accuracy: float | None = None
    host_share: float | None = None
    device_share: float | None = None
    overflow_expected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A signal that tripped: its policy and why, in a sentence with the numbers."""

    signal: str
    policy: str
    step: int
    message: str


@dataclass(slots=True)
class LossSpikes:
    """Finds a loss far above the recent ones: robust z-score by median and median absolute deviation."""

    threshold: float
    warm_up: int
    window: int
    recent: deque[float] = field(init=False)

    def __post_init__(self) -> None:
        self.recent = deque(maxlen=self.window)

    def see(self, loss: float) -> str | None:
        """Return why this loss is a spike, or None; a loss that is kept belongs to the window afterwards."""
        if len(self.recent) < self.warm_up:
            return None
        middle, highest = median(self.recent), max(self.recent)
        score = _robust_score(loss, self.recent, max(_LEAST_RELATIVE_SIGMA * abs(middle), _LEAST_SIGMA))
        if score <= self.threshold or loss - middle <= (1 + _ABOVE_HIGHEST) * (highest - middle):
            return None
        if min(self.recent) > 0 and loss <= _FAR_ABOVE_HIGHEST * highest:
            # Small batches scatter by factors: their tail is long in the loss and ordinary in its logarithm.
            logarithms = [math.log(value) for value in self.recent]
            if _robust_score(math.log(loss), logarithms, _LEAST_RELATIVE_SIGMA) <= _LOGARITHMIC * self.threshold:
                return None
        return (
            f"the loss {loss:.4g} lies {score:.0f} standard deviations above the median {middle:.4g} "
            f"of the last {len(self.recent)} steps"
        )


@dataclass(slots=True)
class Watchdog:
    """All detectors over the steps of one training."""

    settings: Watch
    clip_norm: float
    rollbacks: int = 0
    losses: LossSpikes = field(init=False)
    norms: deque[float] = field(init=False)
    zeros: int = 0
    flat_rewards: int = 0
    rewards_differed: bool = False
    accuracies: deque[float] = field(init=False)
    best_accuracy: float = 0.0
    told: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = self.settings
        self.losses = LossSpikes(settings.loss_spike_threshold, settings.warm_up, settings.window)
        self.norms = deque(maxlen=settings.window)
        self.accuracies = deque(maxlen=settings.reward_collapse_reports)

    def see(self, seen: Observation) -> tuple[Verdict, ...]:
        """Return the verdicts on a step, the strongest policy first; none while all is well."""
        found = {
            "not_finite": self._not_finite(seen),
            "loss_spike": self.losses.see(seen.loss) if math.isfinite(seen.loss) else None,
            "gradient_explosion": self._explosion(seen),
            "zero_gradient": self._zero_gradient(seen),
            "reward_collapse": self._collapse(seen),
            "memory": _memory(seen, self.settings),
        }
        verdicts = [
            Verdict(signal=signal, policy=self.settings.policy(signal), step=seen.step, message=message)
            for signal, message in found.items()
            if message is not None
        ]
        self._remember(seen, discarded=any(verdict.policy != WARN for verdict in verdicts))
        return tuple(sorted(self._news(verdicts), key=lambda item: -POLICIES.index(item.policy)))

    def state(self) -> dict[str, Any]:
        """Return what the judgement of later steps depends on, as a JSON object."""
        return {
            "rollbacks": self.rollbacks,
            "losses": list(self.losses.recent),
            "norms": list(self.norms),
            "zeros": self.zeros,
            "flat_rewards": self.flat_rewards,
            "rewards_differed": self.rewards_differed,
            "accuracies": list(self.accuracies),
            "best_accuracy": self.best_accuracy,
            "told": dict(self.told),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        for name, value in state.items():
            if name == "losses":
                _refill(self.losses.recent, value)
            elif name in ("norms", "accuracies"):
                _refill(getattr(self, name), value)
            else:
                setattr(self, name, value)

    def _not_finite(self, seen: Observation) -> str | None:
        if not math.isfinite(seen.loss):
            return f"the loss is not a number ({seen.loss})"
        norm = seen.gradient_norm
        if norm is not None and not math.isfinite(norm) and not seen.overflow_expected:
            return f"the gradient is not a number ({norm}) at a loss of {seen.loss:.4g}"
        return None

    def _explosion(self, seen: Observation) -> str | None:
        settings, norm = self.settings, seen.gradient_norm
        if norm is None or not math.isfinite(norm) or len(self.norms) < settings.warm_up:
            return None
        middle = median(self.norms)
        # What is not even clipped can't throw the weights off, however small the others were.
        far = max(settings.gradient_explosion_factor * middle, _ABOVE_LARGEST_GRADIENT * max(self.norms))
        if norm <= max(far, self.clip_norm or 1.0):
            return None
        times = norm / middle if middle > 0 else math.inf
        return f"the gradient norm {norm:.4g} is {times:.0f} times the median {middle:.4g} of the last steps"

    def _zero_gradient(self, seen: Observation) -> str | None:
        if seen.gradient_norm is None:
            return None
        self.zeros = self.zeros + 1 if abs(seen.gradient_norm) <= _ZERO else 0
        if self.zeros < self.settings.zero_gradient_steps:
            return None
        return f"the gradient has been zero for {self.zeros} steps: nothing is learnt"

    def _collapse(self, seen: Observation) -> str | None:
        reports = self.settings.reward_collapse_reports
        if seen.reward_std is not None:
            flat = abs(seen.reward_std) <= _ZERO
            self.rewards_differed = self.rewards_differed or not flat
            self.flat_rewards = self.flat_rewards + 1 if flat else 0
            if self.rewards_differed and self.flat_rewards >= reports:
                return f"all replies have got the same reward in the last {self.flat_rewards} reports"
        if seen.reward_accuracy is None:
            return None
        self.accuracies.append(seen.reward_accuracy)
        if len(self.accuracies) < reports:
            return None
        mean = sum(self.accuracies) / len(self.accuracies)
        self.best_accuracy = max(self.best_accuracy, mean)
        if mean >= _CHANCE or self.best_accuracy - mean < _ACCURACY_FALL:
            return None
        return f"the reward accuracy fell to {mean:.2f} over {reports} reports; it had been {self.best_accuracy:.2f}"

    def _remember(self, seen: Observation, *, discarded: bool) -> None:
        """What was only warned of becomes part of what is normal; a step that is not kept does not."""
        if discarded:
            return
        if math.isfinite(seen.loss):
            self.losses.recent.append(seen.loss)
        if seen.gradient_norm is not None and math.isfinite(seen.gradient_norm):
            self.norms.append(seen.gradient_norm)

    def _news(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """A warning is repeated after a window of steps only: what lasts is told once."""
        news = []
        for verdict in verdicts:
            before = self.told.get(verdict.signal)
            if verdict.policy != WARN or before is None or verdict.step - before >= self.settings.window:
                self.told[verdict.signal] = verdict.step
                news.append(verdict)
        return news


@dataclass(slots=True)
class StepClock:
    """Knows how long steps take, and says when one takes too long. Times are monotonic seconds, given by the caller."""

    factor: float
    at_least_seconds: float
    limit_seconds: float | None
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    began: float | None = None

    def begin(self, now: float) -> None:
        """Start the clock of a step."""
        self.began = now

    def end(self, now: float) -> None:
        """Take the step that has ended into account and stop: what follows may be a checkpoint or an evaluation."""
        if self.began is not None:
            self.durations.append(now - self.began)
        self.began = None

    def overdue(self, now: float) -> str | None:
        """Return why the step that runs now counts as stalled, or None."""
        began = self.began
        if began is None:
            return None
        taken = now - began
        if self.limit_seconds is not None and taken >= self.limit_seconds:
            return f"no step has ended for {taken:.0f} s; the limit is {self.limit_seconds:.0f} s"
        if len(self.durations) < _KNOWN_STEPS:
            return None
        usual = median(self.durations)
        if taken < max(self.factor * usual, self.at_least_seconds):
            return None
        return f"no step has ended for {taken:.0f} s; the median step takes {usual:.2f} s"


def _robust_score(value: float, window: Iterable[float], least_sigma: float) -> float:
    """Return (value - median) / sigma, sigma from the median absolute deviation and at least `least_sigma`."""
    known = list(window)
    middle = median(known)
    sigma = _MAD_TO_SIGMA * median([abs(item - middle) for item in known])
    return (value - middle) / max(sigma, least_sigma)


def _memory(seen: Observation, settings: Watch) -> str | None:
    parts: Sequence[tuple[str, float | None, float]] = (
        ("host", seen.host_share, settings.host_memory_share),
        ("device", seen.device_share, settings.device_memory_share),
    )
    for where, share, limit in parts:
        if share is not None and share > limit:
            return f"{share:.1%} of the {where}'s memory is in use; the limit is {limit:.1%}"
    return None


def _refill(window: deque[float], values: Iterable[float]) -> None:
    window.clear()
    window.extend(values)
