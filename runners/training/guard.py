"""What becomes of the watchdog's verdicts: warn, go back to a checkpoint, pause, stop."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import Reporter, StepFailedError, StepPausedError
from tunewright.runners.training.checkpoints import Checkpoints
from tunewright.runners.training.distributed import is_first
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.watch_settings import PAUSE, ROLLBACK, STOP, WARN
from tunewright.runners.training.watchdog import Observation, StepClock, Verdict, Watchdog

_LOOK_SECONDS = 1.0

#: Signal -> (reason of the failure or pause, what a person can do about it).
_ADVICE: Mapping[str, tuple[str, str]] = {
    "not_finite": (
        "NAN_LOSS",
        "lower `learning_rate`, set `max_grad_norm: 1.0`, use bf16 instead of fp16, or look for broken rows",
    ),
    "loss_spike": ("LOSS_SPIKE", "look at the rows of this step, or lower `learning_rate`"),
    "gradient_explosion": ("GRADIENT_EXPLOSION", "lower `learning_rate` or `max_grad_norm`"),
    "zero_gradient": ("ZERO_GRADIENT", "see that the rows have something to learn and that weights are not all frozen"),
    "stalled_step": ("STALLED_STEP", "the step's log shows where every thread stands"),
    "reward_collapse": ("REWARD_COLLAPSE", "lower `learning_rate`, raise `beta`, or look at the reward functions"),
    "memory": ("MEMORY_LOW", "use a smaller `per_device_train_batch_size` or `max_length`"),
}


class RollBack(Exception):  # noqa: N818 - not an error: a turn in the way of a training
    """Weights and optimizer are to go back to a checkpoint; the step that runs now is discarded."""

    def __init__(self, checkpoint: Path, learning_rate_factor: float) -> None:
        super().__init__(checkpoint.name)
        self.checkpoint, self.learning_rate_factor = checkpoint, learning_rate_factor


@dataclass(slots=True)
class Guard:
    """Feeds the watchdog of one training step and does what its policies say."""

    settings: TrainSettings
    report: Reporter
    checkpoints: Checkpoints
    watchdog: Watchdog = field(init=False)
    clock: StepClock = field(init=False)
    _stalled: int = -1
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        watch = self.settings.watch
        self.watchdog = Watchdog(watch, clip_norm=self.settings.max_grad_norm)
        self.clock = StepClock(
            watch.stalled_step_factor, watch.stalled_step_at_least_seconds, watch.stalled_step_limit_seconds
        )

    def saw(self, seen: Observation) -> None:
        """Judge a step before its update; raise RollBack, StepPausedError or StepFailedError where a policy says so."""
        verdicts = self.watchdog.see(seen)
        for verdict in verdicts:
            self._tripped(verdict.signal, verdict.policy, _sentence(verdict))
        if verdicts and verdicts[0].policy != WARN:
            self._act(verdicts[0])

    def _tripped(self, signal: str, policy: str, message: str) -> None:
        """Say what was found before anything is done about it: alerts match it, whatever the policy is."""
        self.report.emit("watchdog", signal=signal, policy=policy, message=message)
        if policy == WARN:
            self.report.emit("warning", code=_code(signal), message=message)

    def _act(self, verdict: Verdict) -> None:
        newest = self.checkpoints.newest()
        if verdict.policy == PAUSE:
            raise _paused(verdict.signal, _sentence(verdict), newest)
        left = self.settings.watch.rollbacks - self.watchdog.rollbacks
        if verdict.policy == ROLLBACK and newest is not None and left > 0:
            self._roll_back(verdict, newest)
        raise self._stopped(verdict, newest)

    def _roll_back(self, verdict: Verdict, newest: Path) -> None:
        self.watchdog.rollbacks += 1
        factor = self.settings.watch.rollback_learning_rate_factor
        message = f"{_sentence(verdict)}: back to {newest.name}, on with the next rows"
        message += "" if factor == 1 else f" and {factor:g} times the learning rate"
        count = f" ({self.watchdog.rollbacks} of {self.settings.watch.rollbacks})"
        self.report.emit("warning", code=_code(verdict.signal), message=message + count)
        self.report.emit(
            "rollback",
            step=verdict.step,
            signal=verdict.signal,
            message=verdict.message,
            checkpoint=newest.name,
            learning_rate_factor=factor,
            number=self.watchdog.rollbacks,
        )
        raise RollBack(newest, factor)

    def _stopped(self, verdict: Verdict, newest: Path | None) -> StepFailedError:
        reason, advice = _ADVICE[verdict.signal]
        message = _sentence(verdict)
        if verdict.policy == ROLLBACK:
            tried = f"it went back {self.watchdog.rollbacks} times already"
            message += f"; {tried if newest else 'there is no checkpoint to go back to'}"
        kept = f"; {newest.name} is kept" if newest else ""
        return StepFailedError(message + kept, reason=reason, help=advice, code=ExitCode.FAILED)

    # Steps that do not end: the main thread can't look, so another one does.

    def watch_steps(self) -> None:
        """Start to look after steps that do not end; one process of a team does."""
        self.clock.begin(time.monotonic())
        if is_first():
            threading.Thread(target=self._look_for_stalls, name="watchdog", daemon=True).start()

    def ended_step(self) -> None:
        """Take the end of a step into account; the next one begins."""
        now = time.monotonic()
        self.clock.end(now)
        self.clock.begin(now)

    @contextmanager
    def outside_a_step(self) -> Iterator[None]:
        """Let the clock rest: saving and evaluating take what they take."""
        self.clock.began = None
        try:
            yield
        finally:
            self.clock.begin(time.monotonic())

    def done(self) -> None:
        """Stop looking."""
        self._done.set()

    def _look_for_stalls(self) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            message, number = self.clock.overdue(time.monotonic()), len(self.clock.durations)
            if message is None or number == self._stalled:
                continue
            self._stalled = number
            self._stalled_step(message)

    def _stalled_step(self, message: str) -> None:
        policy = self.settings.watch.stalled_step
        faulthandler.dump_traceback(file=sys.stderr)
        self._tripped("stalled_step", policy, message)
        if policy == WARN:
            return
        reason, advice = _ADVICE["stalled_step"]
        if policy == STOP:
            self.report.emit("failure", reason=reason, message=message, help=advice)
        else:
            self.report.paused(_paused("stalled_step", message, self.checkpoints.newest()))
        # The main thread hangs, maybe inside a library that never comes back: nothing but this ends the process.
        os._exit(ExitCode.FAILED if policy == STOP else ExitCode.PAUSED)


def scale_learning_rate(trainer: Any, factor: float) -> None:
    """Multiply the learning rate from here on: the schedule keeps its form."""
    scheduler, groups = trainer.lr_scheduler, trainer.optimizer.param_groups
    for group in groups:
        group["lr"] *= factor
        if "initial_lr" in group:
            group["initial_lr"] *= factor
    for name in ("base_lrs", "_last_lr"):
        if hasattr(scheduler, name):
            setattr(scheduler, name, [rate * factor for rate in getattr(scheduler, name)])


def load_back(trainer: Any, checkpoint: Path, learning_rate_factor: float) -> None:
    """Take weights and optimizer state of a checkpoint; schedule, random numbers and data position go on."""
    folder, schedule = str(checkpoint), trainer.lr_scheduler.state_dict()
    if trainer.is_deepspeed_enabled:
        from transformers.integrations.deepspeed import deepspeed_load_checkpoint

        adapter = hasattr(trainer.model, "peft_config")
        deepspeed_load_checkpoint(trainer.model_wrapped, folder, load_module_strict=not adapter)
    else:
        trainer._load_from_checkpoint(folder, trainer.model_wrapped if trainer.is_fsdp_enabled else None)
    trainer._load_optimizer_and_scheduler(folder)
    trainer.lr_scheduler.load_state_dict(schedule)
    for group, rate in zip(trainer.optimizer.param_groups, trainer.lr_scheduler.get_last_lr(), strict=True):
        group["lr"] = rate
    scale_learning_rate(trainer, learning_rate_factor)
    # Without gradients the update that follows changes nothing.
    trainer.model_wrapped.zero_grad()
    trainer._tr_loss.zero_()


def _paused(signal: str, message: str, newest: Path | None) -> StepPausedError:
    reason, advice = _ADVICE[signal]
    kept = f"; {newest.name} is kept" if newest else "; there is no checkpoint yet: it would begin again"
    return StepPausedError(message + kept, reason=reason, help=advice, checkpoint=newest.name if newest else None)


def _sentence(verdict: Verdict) -> str:
    return f"step {verdict.step}: {verdict.message}"


def _code(signal: str) -> str:
    return signal.replace("_", "-")
