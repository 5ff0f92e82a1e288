"""What our trainers do beside TRL's: count tokens, watch each step, stop and pause when asked, save whole states."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import Reporter, StepCancelledError, StepFailedError, StepPausedError
from tunewright.runners.training.checkpoint_manifest import read_manifest
from tunewright.runners.training.checkpointing import Checkpointing
from tunewright.runners.training.checkpoints import Checkpoints
from tunewright.runners.training.distributed import gather, is_first, world_size
from tunewright.runners.training.guard import Guard, RollBack, load_back
from tunewright.runners.training.memory_use import device_share, host_share, memory_bytes
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.sinks.sink import Sinks
from tunewright.runners.training.watchdog import Observation

_PROGRESS_EVERY_SECONDS = 0.5
_REFERENCE_TOLERANCE = 0.02
_WATCH = "tunewright-watch.json"
_UNKNOWN = math.nan
_REWARDS = {"reward_std": "reward_std", "reward_accuracy": "rewards/accuracies"}


@dataclass(slots=True)
class Oversight:
    """The state of one training run as our trainer watches it."""

    settings: TrainSettings
    report: Reporter
    checkpoints: Checkpoints
    tokens_here: int = 0
    tokens: float = 0
    tokens_before: int = 0
    loss_here: float = 0.0
    sinks: Sinks | None = None
    guard: Guard = field(init=False)
    rewards: dict[str, float] = field(default_factory=dict)
    pausing: bool = False
    discarded_step: int = -1
    resumed_step: int | None = None
    started: float = 0.0
    first_step: int = 0
    losses: list[float] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    last_progress: float = 0.0

    def __post_init__(self) -> None:
        self.guard = Guard(self.settings, self.report, self.checkpoints)

    def saw_batch(self, inputs: Mapping[str, Any], loss: Any) -> None:
        """Count the tokens of a batch and add up the loss of a step."""
        self.tokens_here += count_tokens(inputs)
        self.loss_here += float(loss)

    def saw_gradients(self, norm: float | None, step: int) -> None:
        """Before the weights change: let all processes come to the same judgement; raise what it says."""
        own = [
            self.loss_here,
            _UNKNOWN if norm is None else float(norm),
            self.tokens_here,
            self._is_cancelled(),
            self.report.pause_wanted(),
            host_share() or 0.0,
            device_share(self.settings.device) or 0.0,
            *(self.rewards.get(name, _UNKNOWN) for name in _REWARDS),
        ]
        losses, norms, tokens, cancelled, pause, host, device, *rewards = zip(*gather(own), strict=True)
        self.rewards.clear()
        self.tokens, self.tokens_here, self.loss_here = self.tokens + sum(tokens), 0, 0.0
        if any(cancelled):
            raise StepCancelledError
        self.pausing = any(pause)
        self.guard.saw(
            Observation(
                step=step + 1,
                loss=sum(losses) / len(losses),
                gradient_norm=None if norm is None else max(norms) if all(map(math.isfinite, norms)) else math.nan,
                host_share=max(host),
                device_share=max(device),
                overflow_expected=self.settings.precision == "fp16",
                # Rewards are of the step before: trainers tell them when they log.
                **{
                    name: None if math.isnan(told[0]) else told[0] for name, told in zip(_REWARDS, rewards, strict=True)
                },
            )
        )

    def saw_step(self, done: int, total: int) -> None:
        """Report the progress, not more often than a person can read."""
        now = time.monotonic()
        if now - self.last_progress < _PROGRESS_EVERY_SECONDS and done != total:
            return
        self.last_progress = now
        pace = (now - self.started) / max(done - self.first_step, 1)
        rows = done * self.rows_per_step
        self.report.progress(done, total, "steps", eta_seconds=round(pace * (total - done), 1), rows=rows)

    def saw_log(self, step: int, logs: Mapping[str, Any]) -> None:
        """Report one line of a trainer's log as a metric."""
        values = {
            name: float(value)
            for name, value in logs.items()
            if isinstance(value, int | float) and not name.startswith("train_")
        }
        if step == self.discarded_step:  # what was undone is told by the event of the rollback
            values = {name: value for name, value in values.items() if name not in ("loss", "grad_norm")}
        self.rewards |= {name: values[key] for name, key in _REWARDS.items() if key in values}
        if "loss" in values:
            self.losses.append(values["loss"])
            self._check_reference(values["loss"], step)
            values["tokens_per_second"] = round(self.tokens_per_second(), 1)
            values["tokens_per_second_per_process"] = round(self.tokens_per_second() / world_size(), 1)
            values["rows"] = step * self.rows_per_step
            values["memory_bytes"] = memory_bytes(self.settings.device)
        self.last.update(values)
        self.report.metric(step, values)
        if self.sinks is not None and is_first():
            self.sinks.log(step, values)

    def _check_reference(self, loss: float, step: int) -> None:
        """A method that compares with a reference starts at a known loss: another one means a wrong reference."""
        expected = training_method(self.settings.method).first_loss(self.settings)
        if expected is not None and step == 1 and abs(loss - expected) > _REFERENCE_TOLERANCE:
            raise StepFailedError(
                f"{self.settings.method} starts at a loss of {loss:.4f} instead of {expected:.4f}: its reference "
                "is not the model it started from",
                reason="REFERENCE_WRONG",
                help="the step's log has the libraries' versions; use the pinned `train` environment",
            )

    @property
    def rows_per_step(self) -> int:
        """Rows (packed: sequences) that all processes take in one optimizer step."""
        settings = self.settings
        readers = settings.parallelism.data_parallel or world_size() // settings.parallelism.context_parallel
        return settings.per_device_train_batch_size * settings.gradient_accumulation_steps * readers

    def tokens_per_second(self) -> float:
        """Return the mean over all processes and all steps of this process's life."""
        return self.tokens / max(time.monotonic() - self.started, 1e-9)

    def saved(self, step: int) -> None:
        """Complete the checkpoint that was written aside and report it."""
        state = json.dumps(self.guard.watchdog.state())
        (self.checkpoints.aside / f"checkpoint-{step}" / _WATCH).write_text(state, encoding="utf-8")
        manifest = self.checkpoints.complete(step, tokens=int(self.tokens_before + self.tokens))
        folder = self.checkpoints.at(step)
        digest = manifest.tree_digest(folder)
        self.report.emit("checkpoint", step=step, path=f"work/checkpoints/{folder.name}", digest=digest)

    def resumed(self, checkpoint: Path | None) -> None:
        """Start the clock; what the processes before this one have seen is known from the checkpoint."""
        self.started = time.monotonic()
        if checkpoint is not None:
            self.tokens_before = read_manifest(checkpoint).tokens
            if (checkpoint / _WATCH).is_file():
                self.guard.watchdog.restore(json.loads((checkpoint / _WATCH).read_text(encoding="utf-8")))
            self.resumed_step = int(checkpoint.name.rpartition("-")[2])

    def learning_rate_change(self) -> float:
        """Return by what the learning rate in a checkpoint is to be multiplied: a resume with another one says so."""
        continued = self.settings.continued
        if continued is None or self.resumed_step is None or self.resumed_step > continued["checkpoint_step"]:
            return 1.0
        change = continued["changed"].get("learning_rate")
        return 1.0 if change is None else float(change["to"]) / float(change["from"])

    def paused(self) -> StepPausedError:
        """Return what ends a step that somebody wants to pause, after its checkpoint was written."""
        newest = self.checkpoints.newest()
        return StepPausedError(
            f"somebody asked for a pause; {newest.name if newest else 'no checkpoint'} is kept",
            reason="PAUSE_WANTED",
            help="go on with `tunewright resume`",
            checkpoint=newest.name if newest else None,
        )

    def _is_cancelled(self) -> bool:
        try:
            self.report.check_cancelled()
        except StepCancelledError:
            return True
        return False


def overseen(trainer_class: type[Any]) -> type[Any]:
    """Return the trainer class with our oversight: set `oversight` on the instance before `train()`."""

    class OverseenTrainer(Checkpointing, trainer_class):  # type: ignore[misc]
        oversight: Oversight
        _prepared: Any = None

        def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            loss = super().training_step(model, inputs, *rest, **named)
            self.oversight.saw_batch(self._prepared, loss)
            return loss

        def _prepare_inputs(self, inputs: Any) -> Any:
            # What is learnt from: methods that generate are given prompts and make the batch here.
            self._prepared = super()._prepare_inputs(inputs)
            return self._prepared

        def _get_grad_norm(self, model: Any, *rest: Any, **named: Any) -> Any:
            norm = super()._get_grad_norm(model, *rest, **named)
            try:
                self.oversight.saw_gradients(norm, self.state.global_step)
            except RollBack as back:
                load_back(self, back.checkpoint, back.learning_rate_factor)
                self.oversight.discarded_step = self.state.global_step + 1
                return 0.0
            return norm

    OverseenTrainer.__name__ = f"Overseen{trainer_class.__name__}"
    return OverseenTrainer


def count_tokens(inputs: Mapping[str, Any]) -> int:
    """Return how many tokens a batch really holds, padding not counted."""
    masks = [value for name, value in inputs.items() if name.endswith("attention_mask")]
    masks = masks or [inputs[name] for name in ("prompt_mask", "completion_mask") if name in inputs]
    if masks:
        return sum(int(mask.sum()) for mask in masks)
    return int(inputs["input_ids"].numel()) if "input_ids" in inputs else 0
