"""One training run: step after step, watched, with checkpoints, until the last step or a reason to stop."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.runners.megatron.batches import Batches
from tunewright.runners.megatron.checkpoints import load_part, load_weights_back, save_part
from tunewright.runners.megatron.loop import Trainer
from tunewright.runners.training.checkpointing import checkpoint_to_resume, complete_checkpoint
from tunewright.runners.training.checkpoints import disk_errors_named
from tunewright.runners.training.distributed import gather
from tunewright.runners.training.guard import RollBack
from tunewright.runners.training.oversight import Oversight


@dataclass(slots=True, kw_only=True)
class Run:
    """A trainer, what it reads, and who watches; `held_out` gives the loss shown while training.

    `losses` are those of the steps since the last report, `reported` those of all reports. `rate_factor` is what the
    schedule's learning rates are multiplied by since a rollback or a resume with another rate.
    """

    trainer: Trainer
    batches: Batches
    held_out: Batches | None
    oversight: Oversight
    step: int = 0
    losses: list[float] = field(default_factory=list)
    reported: list[float] = field(default_factory=list)
    rate_factor: float = 1.0

    def to_the_end(self) -> None:
        """Train until the last step; goes on from the newest whole checkpoint."""
        oversight = self.oversight
        resumed = checkpoint_to_resume(oversight.checkpoints, oversight.report)
        oversight.report.phase(f"going on from {resumed.name}" if resumed else "training")
        oversight.resumed(resumed)
        if resumed:
            self._take_up(resumed)
        oversight.first_step = self.step
        oversight.guard.watch_steps()
        try:
            while self.step < self.batches.steps:
                self._learn()
                oversight.guard.ended_step()
                self._afterwards()
        finally:
            oversight.guard.done()

    def outcome(self) -> dict[str, Any]:
        """Return what was learnt, in figures that are equal whenever the same work is done again."""
        evaluated = self.oversight.last.get("eval_loss")
        return {
            "steps": self.step,
            "loss_first": self.reported[0] if self.reported else None,
            "loss_last": self.reported[-1] if self.reported else None,
            **({} if evaluated is None else {"evaluation_loss": evaluated}),
        }

    def _learn(self) -> None:
        """Do one optimizer step, or undo it where the watchdog says so."""
        trainer, oversight = self.trainer, self.oversight
        batches = self.batches.of_step(self.step)
        loss = self._mean(trainer.forward_backward(batches))
        for batch in batches:
            counted = {"attention_mask": batch["attention_mask"]} if trainer.counts_rows else {}
            oversight.saw_batch(counted, loss / len(batches))
        norm = trainer.gradient_norm()
        rate = self.rate_factor * trainer.learning_rate(self.step)
        try:
            oversight.saw_gradients(norm, self.step)
        except RollBack as back:
            load_weights_back(back.checkpoint, trainer)
            self.rate_factor *= back.learning_rate_factor
            oversight.discarded_step = self.step + 1
        else:
            trainer.update(rate)
            self.losses.append(loss)
        self.step += 1
        if self.losses and (self.step == 1 or self.step % oversight.settings.logging_steps == 0):
            self._report(norm, rate)

    def _report(self, norm: float, rate: float) -> None:
        self.reported.append(sum(self.losses) / len(self.losses))
        self.losses = []
        epoch = self.step / self.batches.steps_per_epoch
        values = {"loss": self.reported[-1], "grad_norm": norm, "learning_rate": rate, "epoch": epoch}
        self.oversight.saw_log(self.step, values)

    def _afterwards(self) -> None:
        """Show the progress; evaluate at the end of an epoch, save when it is time, pause when asked."""
        oversight, steps = self.oversight, self.batches.steps
        save_steps, last = oversight.settings.save_steps, self.step == steps
        oversight.saw_step(self.step, steps)
        if self.held_out is not None and (last or self.step % self.batches.steps_per_epoch == 0):
            with oversight.guard.outside_a_step():
                oversight.saw_log(self.step, {"eval_loss": self._evaluate(self.held_out)})
        if oversight.pausing or (save_steps is not None and (last or self.step % save_steps == 0)):
            self._save()
        if oversight.pausing:
            raise oversight.paused()

    def _evaluate(self, held_out: Batches) -> float:
        """Return the mean loss over the held-out rows' tokens."""
        parts = [self.trainer.forward_backward(batches, learns=False) for batches in held_out.in_order()]
        return self._mean((sum(loss for loss, _ in parts), sum(tokens for _, tokens in parts)))

    def _mean(self, own: tuple[float, float]) -> float:
        """Return the loss per token over all processes, of this process's sum and count."""
        losses, tokens = zip(*gather([*own]), strict=True)
        return float(sum(losses) / max(sum(tokens), 1.0))

    def _save(self) -> None:
        import torch

        checkpoints = self.oversight.checkpoints
        kept = checkpoints.newest()
        with self.oversight.guard.outside_a_step(), disk_errors_named(f"checkpoint-{self.step}", kept):
            try:
                numbers = {"step": self.step, "losses": self.losses, "reported": self.reported[:1],
                           "rate_factor": self.rate_factor}  # fmt: skip
                save_part(checkpoints.aside / f"checkpoint-{self.step}", self.trainer, numbers)
                torch.distributed.barrier()
                complete_checkpoint(self.oversight, self.step)
            except BaseException:
                checkpoints.discard_aside()
                raise

    def _take_up(self, checkpoint: Path) -> None:
        numbers = load_part(checkpoint, self.trainer)
        self.step, self.losses, self.reported = numbers["step"], numbers["losses"], numbers["reported"]
        self.rate_factor = numbers["rate_factor"] * self.oversight.learning_rate_change()
