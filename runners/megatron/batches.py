"""Which rows each optimizer step learns from, and the tensors of a micro-batch.

The order is the one of transformers' Trainer: file order, or a permutation an epoch, drawn from seed + epoch. A
step's rows are cut into micro-batches that the data-parallel processes take in turn; what is missing at the end of an
epoch is filled with rows that have no labels, so that every process does the same number of equal micro-batches and the
loss stays a mean over real tokens. A step's number alone says what it reads: going on from a checkpoint needs nothing
else.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.runners.megatron.layout import Layout
from tunewright.runners.megatron.rows import Sample
from tunewright.runners.training.replies import IGNORED
from tunewright.runners.training.settings import TrainSettings

_NOTHING = Sample([], [])


@dataclass(slots=True)
class Batches:
    """The micro-batches of one process; `rank` counts among the data-parallel ones."""

    samples: Sequence[Sample]
    settings: TrainSettings
    layout: Layout
    rank: int
    padding: int
    _order: tuple[int, list[int]] = field(default=(-1, []))

    @property
    def rows_per_step(self) -> int:
        """Rows of one optimizer step, over all processes."""
        settings = self.settings
        return settings.per_device_train_batch_size * settings.gradient_accumulation_steps * self.layout.data_parallel

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one pass over the rows; the last one may be filled up."""
        return math.ceil(len(self.samples) / self.rows_per_step)

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        if self.settings.max_steps is not None:
            return self.settings.max_steps
        return math.ceil(self.settings.num_train_epochs * self.steps_per_epoch)

    def of_step(self, step: int) -> list[dict[str, Any]]:
        """Return the micro-batches that this process computes in optimizer step `step`, counted from 0."""
        epoch, within = divmod(step, self.steps_per_epoch)
        order = self._permutation(epoch)
        first = within * self.rows_per_step
        return self._divided([self.samples[index] for index in order[first : first + self.rows_per_step]])

    def in_order(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the micro-batches of one pass in file order, for a loss that is only looked at."""
        for first in range(0, len(self.samples), self.rows_per_step):
            yield self._divided(list(self.samples[first : first + self.rows_per_step]))

    def _permutation(self, epoch: int) -> list[int]:
        import torch

        if self.settings.train_sampling_strategy == "sequential":
            return list(range(len(self.samples)))
        if self._order[0] != epoch:
            chance = torch.Generator().manual_seed(self.settings.seed + epoch)
            self._order = (epoch, torch.randperm(len(self.samples), generator=chance).tolist())
        return self._order[1]

    def _divided(self, rows: list[Sample]) -> list[dict[str, Any]]:
        size, multiple = self.settings.per_device_train_batch_size, self.layout.sequence_multiple
        longest = max(len(row.tokens) for row in rows)
        length = math.ceil(longest / multiple) * multiple
        rows = rows + [_NOTHING] * (self.rows_per_step - len(rows))
        micro = [rows[first : first + size] for first in range(0, len(rows), size)]
        return [self._tensors(part, length) for part in micro[self.rank :: self.layout.data_parallel]]

    def _tensors(self, rows: list[Sample], length: int) -> dict[str, Any]:
        import torch

        tokens = torch.full((len(rows), length), self.padding)
        labels = torch.full((len(rows), length), IGNORED)
        for index, row in enumerate(rows):
            tokens[index, : len(row.tokens)] = torch.tensor(row.tokens, dtype=torch.long)
            # What a position predicts is the token after it.
            labels[index, : max(len(row.labels) - 1, 0)] = torch.tensor(row.labels[1:], dtype=torch.long)
        positions = torch.arange(length).expand(len(rows), length).contiguous()
        lengths = torch.tensor([len(row.tokens) for row in rows])
        mask = torch.arange(length)[None] < lengths[:, None]
        return {"tokens": tokens, "labels": labels, "position_ids": positions, "attention_mask": mask}
