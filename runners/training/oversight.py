"""What our trainers do beside TRL's: count tokens, stop at once for NaN or a cancellation, save checkpoints whole."""

import json
import math
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import Reporter, StepCancelledError, StepFailedError
from tunewright.runners.training.checkpoints import Checkpoints, disk_errors_named
from tunewright.runners.training.distributed import agree, is_first
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.canonical import digest_of_tree

_PROGRESS_EVERY_SECONDS = 0.5
_HASH_AT_MOST_BYTES = 2 * 1024**3
_REFERENCE_TOLERANCE = 0.02
_TOKENS = "tunewright-tokens.json"


@dataclass(slots=True)
class Oversight:
    """The state of one training run as our trainer watches it."""

    settings: TrainSettings
    report: Reporter
    checkpoints: Checkpoints
    tokens_here: int = 0
    tokens: float = 0
    tokens_before: int = 0
    sane: bool = True
    started: float = 0.0
    first_step: int = 0
    losses: list[float] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    last_progress: float = 0.0

    def saw_batch(self, inputs: Mapping[str, Any], loss: Any) -> None:
        """Count the tokens of a batch and remember whether its loss is a number."""
        self.tokens_here += count_tokens(inputs)
        self.sane = self.sane and math.isfinite(float(loss))

    def saw_gradients(self, norm: float | None, step: int) -> None:
        """Before the weights change: let all processes agree on going on; raise for NaN or a cancellation."""
        # Under fp16 an infinite gradient is normal: the scaler skips that step and lowers the scale.
        if norm is not None and self.settings.precision != "fp16":
            self.sane = self.sane and math.isfinite(float(norm))
        insane, cancelled, tokens = agree([not self.sane, self._is_cancelled(), self.tokens_here])
        self.tokens, self.tokens_here = self.tokens + tokens, 0
        if insane:
            raise _not_a_number(step + 1, self.checkpoints)
        if cancelled:
            raise StepCancelledError

    def saw_step(self, done: int, total: int) -> None:
        """Report the progress, not more often than a person can read."""
        now = time.monotonic()
        if now - self.last_progress < _PROGRESS_EVERY_SECONDS and done != total:
            return
        self.last_progress = now
        pace = (now - self.started) / max(done - self.first_step, 1)
        self.report.progress(done, total, "steps", eta_seconds=round(pace * (total - done), 1))

    def saw_log(self, step: int, logs: Mapping[str, Any]) -> None:
        """Report one line of a trainer's log as a metric."""
        values = {
            name: float(value)
            for name, value in logs.items()
            if isinstance(value, int | float) and not name.startswith("train_")
        }
        if "loss" in values:
            self.losses.append(values["loss"])
            self._check_reference(values["loss"], step)
            values["tokens_per_second"] = round(self.tokens_per_second(), 1)
            values["memory_bytes"] = memory_bytes(self.settings.device)
        self.last.update(values)
        self.report.metric(step, values)

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

    def tokens_per_second(self) -> float:
        """Return the mean over all processes and all steps of this process's life."""
        return self.tokens / max(time.monotonic() - self.started, 1e-9)

    def saved(self, step: int) -> None:
        """Complete the checkpoint that was written aside and report it."""
        seen = int(self.tokens_before + self.tokens)
        (self.checkpoints.aside / f"checkpoint-{step}" / _TOKENS).write_text(json.dumps(seen), encoding="utf-8")
        folder = self.checkpoints.complete(step)
        small = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= _HASH_AT_MOST_BYTES
        digest = {"digest": digest_of_tree(folder)} if small else {}
        self.report.emit("checkpoint", step=step, path=f"work/checkpoints/{folder.name}", **digest)

    def resumed(self, checkpoint: Path | None) -> None:
        """Start the clock; what the processes before this one have seen is known from the checkpoint."""
        self.started = time.monotonic()
        if checkpoint is not None:
            self.tokens_before = int(json.loads((checkpoint / _TOKENS).read_text(encoding="utf-8")))

    def _is_cancelled(self) -> bool:
        try:
            self.report.check_cancelled()
        except StepCancelledError:
            return True
        return False


def overseen(trainer_class: type[Any]) -> type[Any]:
    """Return the trainer class with our oversight: set `oversight` on the instance before `train()`."""

    class OverseenTrainer(trainer_class):  # type: ignore[misc]
        oversight: Oversight

        def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            loss = super().training_step(model, inputs, *rest, **named)
            self.oversight.saw_batch(inputs, loss)
            return loss

        def _get_grad_norm(self, model: Any, *rest: Any, **named: Any) -> Any:
            norm = super()._get_grad_norm(model, *rest, **named)
            self.oversight.saw_gradients(norm, self.state.global_step)
            return norm

        def _get_output_dir(self, trial: Any) -> str:  # noqa: ARG002 - the trainer's own signature
            return str(self.oversight.checkpoints.aside)

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            with disk_errors_named(f"checkpoint {self.state.global_step}"):
                try:
                    super()._save_checkpoint(model, trial)
                    self.accelerator.wait_for_everyone()
                    if is_first():
                        self.oversight.saved(self.state.global_step)
                except BaseException:
                    self.oversight.checkpoints.discard_aside()
                    raise
            self.accelerator.wait_for_everyone()

    OverseenTrainer.__name__ = f"Overseen{trainer_class.__name__}"
    return OverseenTrainer


def count_tokens(inputs: Mapping[str, Any]) -> int:
    """Return how many tokens a batch really holds, padding not counted."""
    masks = [value for name, value in inputs.items() if name.endswith("attention_mask")]
    if masks:
        return sum(int(mask.sum()) for mask in masks)
    return int(inputs["input_ids"].numel()) if "input_ids" in inputs else 0


def memory_bytes(device: str) -> int:
    """Return the most memory this process has held so far: on the accelerator, or in the host for a processor."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _not_a_number(step: int, checkpoints: Checkpoints) -> StepFailedError:
    newest = checkpoints.newest()
    kept = f"; {newest.name} is kept" if newest else ""
    return StepFailedError(
        f"the loss or its gradient is not a number at step {step}{kept}",
        reason="NAN_LOSS",
        help="lower `learning_rate`, set `max_grad_norm: 1.0`, use bf16 instead of fp16, or look for broken rows",
        code=ExitCode.FAILED,
    )
