"""All weights learn, a few blocks at a time (Pan et al. 2024)."""

import random
from typing import Any

from tunewright.runners.model_blocks import blocks_of
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import TrainingTuner


def drawn_blocks(count: int, active: int, seed: int, period: int) -> frozenset[int]:
    """Return the blocks that learn in a period; it depends on nothing else, so that a resumed step draws the same."""
    return frozenset(random.Random(f"{seed} {period}").sample(range(count), min(active, count)))  # noqa: S311


def _ready(trainer: Any, settings: TrainSettings) -> None:
    from transformers import TrainerCallback

    active, interval = settings.tuner.options["active_layers"], settings.tuner.options["interval"]
    blocks = blocks_of(trainer.model)

    class Draw(TrainerCallback):  # type: ignore[misc]
        """Lets the drawn blocks learn; embeddings, head and norms outside of blocks always do."""

        learning: frozenset[int] | None = None

        def on_step_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            drawn = drawn_blocks(len(blocks), active, settings.seed, state.global_step // interval)
            if drawn == self.learning:
                return
            self.learning = drawn
            for number, block in enumerate(blocks):
                block.requires_grad_(number in drawn)
                if number not in drawn:
                    _forget(block)

        def on_train_end(self, _args: Any, _state: Any, _control: Any, **_: Any) -> None:
            for block in blocks:
                block.requires_grad_(True)

    def _forget(block: Any) -> None:
        """A block that rests keeps neither gradients nor optimizer state: that is what saves the memory."""
        for parameter in block.parameters():
            parameter.grad = None
            trainer.optimizer.state.pop(parameter, None)

    trainer.add_callback(Draw())


TUNER = TrainingTuner(ready=_ready)
