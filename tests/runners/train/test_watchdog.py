"""The watchdog's judgement: nothing healthy trips it, every fault does, and a resumed one judges as before."""

import json
import math
import random
from dataclasses import replace
from typing import Any

import pytest
from watching.healthy_curves import HEALTHY, STEPS, WATCH, Curve

from tunewright.runners.training.watch_settings import POLICIES, SIGNALS, Watch
from tunewright.runners.training.watchdog import Observation, StepClock, Verdict, Watchdog


def watchdog(**changes: Any) -> Watchdog:
    return Watchdog(Watch(**{**WATCH, **changes}), clip_norm=1.0)


def fed(curve: Curve, seed: int = 0, steps: int = STEPS, dog: Watchdog | None = None) -> list[Verdict]:
    dog = dog or watchdog()
    return [verdict for seen in curve(random.Random(seed), steps) for verdict in dog.see(seen)]


def at(step: int, loss: float = 1.0, **more: Any) -> Observation:
    return Observation(step=step, loss=loss, **{"gradient_norm": 1.0, **more})


def settled(dog: Watchdog, steps: int = 40) -> Watchdog:
    """A watchdog that has seen a calm training."""
    draw = random.Random(1)
    for step in range(1, steps + 1):
        assert not dog.see(at(step, 1.0 + draw.gauss(0, 0.05), reward_accuracy=0.9, reward_std=0.4))
    return dog


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_training_trips_nothing(name: str, seed: int) -> None:
    assert fed(HEALTHY[name], seed) == []


@pytest.mark.parametrize(
    ("signal", "faults"),
    [
        ("not_finite", [at(41, math.nan)]),
        ("not_finite", [at(41, math.inf)]),
        ("not_finite", [at(41, gradient_norm=math.nan)]),
        ("loss_spike", [at(41, 8.0)]),
        ("gradient_explosion", [at(41, gradient_norm=500.0)]),
        ("zero_gradient", [at(step, gradient_norm=0.0) for step in range(41, 61)]),
        ("reward_collapse", [at(step, reward_std=0.0) for step in range(41, 61)]),
        ("reward_collapse", [at(step, reward_accuracy=0.1) for step in range(41, 61)]),
        ("memory", [at(41, host_share=0.99)]),
        ("memory", [at(41, device_share=0.99)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_trips_its_signal_once_and_no_other(signal: str, faults: list[Observation]) -> None:
    dog = settled(watchdog())
    found = [verdict for seen in faults for verdict in dog.see(seen)]
    assert [verdict.signal for verdict in found] == [signal]
    assert any(character.isdigit() for character in found[0].message) or signal == "not_finite"


@pytest.mark.parametrize("name", ["exponential decay", "batches of two rows", "two kinds of data", "DPO from ln 2"])
def test_a_spike_in_a_noisy_training_is_found(name: str) -> None:
    dog = watchdog()
    curve = list(HEALTHY[name](random.Random(3), STEPS))
    spiked = [replace(seen, loss=seen.loss * 30 + 5) if seen.step == 400 else seen for seen in curve]
    found = [verdict for seen in spiked for verdict in dog.see(seen)]
    assert [(verdict.signal, verdict.step) for verdict in found] == [("loss_spike", 400)]


def test_a_lasting_change_is_told_once_a_window() -> None:
    dog = settled(watchdog())
    found = [verdict for step in range(41, 169) for verdict in dog.see(at(step, 9.0))]
    assert [verdict.step for verdict in found] == [41]


def test_the_strongest_policy_comes_first_and_a_step_that_is_not_kept_is_forgotten() -> None:
    dog = settled(watchdog(loss_spike="rollback_and_continue", gradient_explosion="pause"))
    found = dog.see(at(41, 50.0, gradient_norm=900.0))
    assert [verdict.policy for verdict in found] == ["pause", "rollback_and_continue"]
    assert 50.0 not in dog.losses.recent
    assert [verdict.step for verdict in dog.see(at(42, 50.0))] == [42], "every one of them is acted upon"


def test_an_infinite_gradient_under_fp16_is_the_scalers_business() -> None:
    dog = settled(watchdog())
    assert dog.see(at(41, gradient_norm=math.inf, overflow_expected=True)) == ()
    assert dog.see(at(42, math.nan, overflow_expected=True))[0].signal == "not_finite"


@pytest.mark.parametrize("name", ["DPO from ln 2", "two kinds of data", "GRPO with equal groups"])
def test_a_watchdog_that_was_saved_judges_as_one_that_was_not(name: str) -> None:
    curve = list(HEALTHY[name](random.Random(5), 200))
    curve[150] = replace(curve[150], loss=60.0)
    whole, first, second = watchdog(), watchdog(), watchdog()
    expected = [whole.see(seen) for seen in curve]
    before = [first.see(seen) for seen in curve[:120]]
    second.restore(json.loads(json.dumps(first.state())))
    assert before + [second.see(seen) for seen in curve[120:]] == expected
    assert second.state() == whole.state()


def test_a_step_stalls_by_the_median_or_by_the_limit() -> None:
    clock = StepClock(factor=20.0, at_least_seconds=60.0, limit_seconds=None)
    now = 0.0
    for _ in range(3):
        clock.begin(now)
        assert clock.overdue(now + 10_000) is None, "nothing is known of the first steps: they compile and cache"
        now += 5.0
        clock.end(now)
    for _ in range(10):
        clock.begin(now)
        now += 5.0
        clock.end(now)
    assert clock.overdue(now + 10_000) is None, "between steps there are checkpoints and evaluations"
    clock.begin(now)
    assert clock.overdue(now + 99) is None
    assert "median step takes 5.00 s" in (clock.overdue(now + 101) or "")
    short = StepClock(factor=2.0, at_least_seconds=0.0, limit_seconds=30.0)
    short.begin(0.0)
    assert short.overdue(29.0) is None
    assert "the limit is 30 s" in (short.overdue(31.0) or "")


def test_fast_steps_have_a_floor() -> None:
    clock = StepClock(factor=20.0, at_least_seconds=60.0, limit_seconds=None)
    for step in range(20):
        clock.begin(step * 0.1)
        clock.end(step * 0.1 + 0.01)
    clock.begin(2.0)
    assert clock.overdue(30.0) is None
    assert clock.overdue(63.0) is not None


def test_every_signal_has_a_policy() -> None:
    assert all(Watch(**WATCH).policy(signal) in POLICIES for signal in SIGNALS)
