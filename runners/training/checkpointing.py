"""What our trainers do beside transformers' to keep checkpoints whole and to go on from them exactly."""

from pathlib import Path
from typing import Any

from tunewright.runners.sdk import Reporter, StepCancelledError, StepFailedError
from tunewright.runners.training.checkpoint_manifest import read_manifest, refuse_other_origin
from tunewright.runners.training.checkpoints import Checkpoints, disk_errors_named
from tunewright.runners.training.distributed import gather, is_first
from tunewright.runners.training.randomness import randomness_kept
from tunewright.runners.training.sharded import load_sharded_optimizer, load_sharded_weights, save_sharded

_SCHEDULER = "scheduler.pt"


def checkpoint_to_resume(checkpoints: Checkpoints, report: Reporter) -> Path | None:
    """Return the checkpoint that all processes go on from, None for a start; raise StepFailedError for a foreign one.

    One process reads the files; all take its word, and all refuse together.
    """
    found = checkpoints.newest_whole(report) if is_first() else None
    step = int(gather([float(read_manifest(found).step) if found else 0.0])[0][0])
    if not step:
        return None
    chosen = checkpoints.at(step)
    refuse_other_origin(chosen.name, read_manifest(chosen).origin, checkpoints.origin)
    return chosen


def complete_checkpoint(oversight: Any, step: int) -> None:
    """Let one process check and rename; when it can't, all stop, and only that one says why."""
    failure: Exception | None = None
    if is_first():
        try:
            oversight.saved(step)
        except (StepFailedError, OSError) as error:
            failure = error
    failed = gather([float(failure is not None)])
    if failure is not None:
        raise failure
    if failed[0][0]:
        raise StepCancelledError


class Checkpointing:
    """Mixed into a trainer class in front of transformers' Trainer; `oversight` has our checkpoints."""

    oversight: Any
    accelerator: Any
    lr_scheduler: Any
    model: Any
    optimizer: Any
    state: Any
    is_distributed_loading_by_transformers: bool

    def _get_output_dir(self, trial: Any) -> str:  # noqa: ARG002 - the trainer's own signature
        return str(self.oversight.checkpoints.aside)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step = self.state.global_step
        kept = self.oversight.checkpoints.newest()
        with self.oversight.guard.outside_a_step(), disk_errors_named(f"checkpoint-{step}", kept):
            try:
                super()._save_checkpoint(model, trial)  # type: ignore[misc]
                if self.is_distributed_loading_by_transformers:
                    self._save_sharded(self.oversight.checkpoints.aside / f"checkpoint-{step}")
                self.accelerator.wait_for_everyone()
                complete_checkpoint(self.oversight, step)
            except BaseException:
                self.oversight.checkpoints.discard_aside()
                raise

    def _save_sharded(self, folder: Path) -> None:
        import torch

        save_sharded(self.model, self.optimizer, folder, writes=is_first())
        if is_first():
            torch.save(self.lr_scheduler.state_dict(), folder / _SCHEDULER)
        self._save_rng_state(str(folder))  # type: ignore[attr-defined]

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.is_distributed_loading_by_transformers:
            load_sharded_weights(self.model, Path(resume_from_checkpoint))
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not self.is_distributed_loading_by_transformers:
            super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
            return
        import torch

        folder = Path(checkpoint)
        load_sharded_optimizer(self.model, self.optimizer, folder)
        self.lr_scheduler.load_state_dict(torch.load(folder / _SCHEDULER, weights_only=True))

    def evaluate(self, *rest: Any, **named: Any) -> Any:
        """Evaluate as the trainer does, without a trace in what comes after."""
        with self.oversight.guard.outside_a_step(), randomness_kept():
            return super().evaluate(*rest, **named)  # type: ignore[misc]
