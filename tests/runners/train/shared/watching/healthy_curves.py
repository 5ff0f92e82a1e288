"""Twenty kinds of healthy training, as the figures a watchdog sees: what must never trip it."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from tunewright.runners.training.watchdog import Observation

Curve = Callable[[random.Random, int], Iterator[Observation]]
STEPS = 600

#: The compiler's defaults.
WATCH: dict[str, Any] = {
    "not_finite": "stop",
    "loss_spike": "warn",
    "loss_spike_threshold": 10.0,
    "gradient_explosion": "warn",
    "gradient_explosion_factor": 30.0,
    "window": 128,
    "warm_up": 40,
    "zero_gradient": "warn",
    "zero_gradient_steps": 20,
    "stalled_step": "warn",
    "stalled_step_factor": 20.0,
    "stalled_step_at_least_seconds": 60.0,
    "stalled_step_limit_seconds": None,
    "reward_collapse": "warn",
    "reward_collapse_reports": 20,
    "memory": "warn",
    "host_memory_share": 0.95,
    "device_memory_share": 0.97,
    "rollbacks": 2,
    "rollback_learning_rate_factor": 0.5,
}


def _seen(loss: Callable[[int], float], norm: Callable[[int], float] | None = None) -> Curve:
    def curve(draw: random.Random, steps: int) -> Iterator[Observation]:
        for step in range(steps):
            noise = math.exp(draw.gauss(0, 0.15))
            yield Observation(step=step + 1, loss=loss(step), gradient_norm=noise * (norm(step) if norm else 1.0))

    return curve


def _noisy(base: Callable[[int], float], noise: float, *, heavy: bool = False) -> Curve:
    """Log-normal noise on the loss; `heavy` adds Student's tails, as batches of one or two rows have."""

    def curve(draw: random.Random, steps: int) -> Iterator[Observation]:
        for step in range(steps):
            tail = draw.gauss(0, 1) / (math.sqrt(draw.gammavariate(2.0, 0.5)) if heavy else 1.0)
            tail = max(-6.0, min(6.0, tail))
            norm = 0.8 * math.exp(draw.gauss(0, 0.4 if heavy else 0.2))
            yield Observation(step=step + 1, loss=base(step) * math.exp(noise * tail), gradient_norm=norm)

    return curve


def _mixture(draw: random.Random, steps: int) -> Iterator[Observation]:
    for step in range(steps):
        prose = draw.random() < 0.15
        loss = (2.6 if prose else 0.6) * math.exp(draw.gauss(0, 0.08)) * (1 - 0.3 * step / steps)
        yield Observation(
            step=step + 1, loss=loss, gradient_norm=(2.0 if prose else 0.7) * math.exp(draw.gauss(0, 0.2))
        )


def _memorised(draw: random.Random, steps: int) -> Iterator[Observation]:
    for step in range(steps):
        level = 2.0 * math.exp(-step / 25) + 0.002
        yield Observation(
            step=step + 1, loss=level * math.exp(draw.gauss(0, 0.5)), gradient_norm=level * math.exp(draw.gauss(0, 0.7))
        )


def _dpo(draw: random.Random, steps: int) -> Iterator[Observation]:
    """Starts at ln 2 exactly; the accuracy of four pairs is a coarse number."""
    for step in range(steps):
        margin = 3.0 * (1 - math.exp(-step / 150)) if step else 0.0
        loss = math.log1p(math.exp(-(margin + (draw.gauss(0, 0.8) if step else 0.0))))
        share = 0.5 + 0.4 * (1 - math.exp(-step / 100))
        right = sum(draw.random() < share for _ in range(4)) / 4
        yield Observation(
            step=step + 1,
            loss=loss,
            gradient_norm=0.5 + 2 * math.exp(-margin) * math.exp(draw.gauss(0, 0.4)),
            reward_accuracy=right,
        )


def _dpo_hard(draw: random.Random, steps: int) -> Iterator[Observation]:
    """Pairs that can hardly be told apart: the accuracy stays around chance."""
    for step in range(steps):
        right = sum(draw.random() < 0.52 for _ in range(8)) / 8
        yield Observation(
            step=step + 1, loss=math.log(2) + draw.gauss(0, 0.03), gradient_norm=1.0, reward_accuracy=right
        )


def _kto(draw: random.Random, steps: int) -> Iterator[Observation]:
    for step in range(steps):
        yield Observation(step=step + 1, loss=0.5 - 0.2 * step / steps + draw.gauss(0, 0.06), gradient_norm=0.3)


def _grpo(draw: random.Random, steps: int) -> Iterator[Observation]:
    """Losses around zero of both signs; now and then a group whose rewards are all equal, with no gradient."""
    for step in range(steps):
        equal = draw.random() < 0.3
        yield Observation(
            step=step + 1,
            loss=0.0 if equal else draw.gauss(0, 0.02),
            gradient_norm=0.0 if equal else 0.4 * math.exp(draw.gauss(0, 0.5)),
            reward_std=0.0 if equal else abs(draw.gauss(0.3, 0.1)) + 0.01,
        )


def _fp16(draw: random.Random, steps: int) -> Iterator[Observation]:
    """The scaler of fp16 starts too high and tries again now and then: an infinite gradient is its way to notice."""
    for step in range(steps):
        overflow = step < 6 or step % 200 == 199
        loss = 1.5 * math.exp(-step / 300) + 0.8 + draw.gauss(0, 0.05)
        norm = math.inf if overflow else 1.0 + abs(draw.gauss(0, 0.2))
        yield Observation(step=step + 1, loss=loss, gradient_norm=norm, overflow_expected=True)


def _memory_use(draw: random.Random, steps: int) -> Iterator[Observation]:
    for step in range(steps):
        used = min(0.94, 0.6 + 0.3 * step / steps + 0.02 * draw.random())
        yield Observation(step=step + 1, loss=1.0 + draw.gauss(0, 0.05), host_share=used, device_share=used)


def _bump(step: int) -> float:
    """A learning rate that rises too fast for a moment: the loss goes up by half and comes back."""
    return 2.2 * math.exp(-step / 200) + 0.6 + 0.9 * math.exp(-(((step - 60) / 20) ** 2))


def _restarts(step: int) -> float:
    """Cosine with restarts: each restart throws the loss back by a third over some steps."""
    cycle, within = divmod(step, 150)
    return (1.4 + 0.45 * math.exp(-within / 30) * min(within, 10) / 10) / (1 + 0.2 * cycle)


def _epochs(step: int) -> float:
    """Adapters on a small set: each epoch begins lower than the one before."""
    return (1.8, 1.2, 0.7, 0.4)[min(step // 150, 3)]


HEALTHY: dict[str, Curve] = {
    "exponential decay": _noisy(lambda step: 3 * math.exp(-step / 100) + 0.9, 0.05),
    "fast decay": _noisy(lambda step: 8 * math.exp(-step / 8) + 0.3, 0.1),
    "power law": _noisy(lambda step: 10 * (step + 1) ** -0.3, 0.03),
    "plateau": _noisy(lambda _: 1.1, 0.02),
    "plateau, then a drop": _noisy(lambda step: 2.0 if step < 300 else 1.0 + math.exp(-(step - 300) / 30), 0.05),
    "constant": _seen(lambda _: 0.6931, lambda _: 0.01),
    "warm-up bump": _noisy(_bump, 0.04),
    "learning rate restarts": _noisy(_restarts, 0.04),
    "epochs in steps": _noisy(_epochs, 0.08),
    "batches of one row": _noisy(lambda step: 1.2 * math.exp(-step / 400) + 0.5, 0.3, heavy=True),
    "batches of two rows": _noisy(lambda step: 2.0 * math.exp(-step / 200) + 0.7, 0.2, heavy=True),
    "packed rows": _noisy(lambda step: 1.6 * math.exp(-step / 150) + 1.0, 0.01),
    "two kinds of data": _mixture,
    "learnt by heart": _memorised,
    "DPO from ln 2": _dpo,
    "DPO at chance": _dpo_hard,
    "KTO": _kto,
    "GRPO with equal groups": _grpo,
    "fp16 overflows": _fp16,
    "memory filling up": _memory_use,
}
