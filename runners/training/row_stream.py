"""The rows of a step in their order without holding them: read anew from the files each time they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import Reporter
from tunewright.runners.training.data import no_rows, order_of, placed_rows
from tunewright.runners.training.likeness import Likeness
from tunewright.runners.training.methods.method import Row
from tunewright.runners.training.settings import TrainSettings

_PROGRESS_ROWS = 10_000


@dataclass(slots=True)
class _Cursor:
    """One place in a data set; going back means to begin again."""

    read: Callable[[], Iterator[Row]]
    next_number: int = 0
    rows: Iterator[Row] | None = None

    def at(self, number: int) -> Row:
        if self.rows is None or number < self.next_number:
            self.rows, self.next_number = self.read(), 0
        while True:
            row = next(self.rows)
            self.next_number += 1
            if self.next_number > number:
                return row


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStream:
    """All rows of all data sets of a step: the same ones in the same order as `data.read_training_rows` returns."""

    counts: Mapping[str, int]
    likeness: Likeness
    settings: TrainSettings
    _read: Callable[[str], Iterator[Row]] = field(repr=False)

    @staticmethod
    def survey(inputs: Mapping[str, Input], settings: TrainSettings, report: Reporter) -> "RowStream":
        """Read all rows once, to count them and to see that they fit together; raise StepFailedError."""

        def read(name: str) -> Iterator[Row]:
            return placed_rows(name, inputs, settings, report)

        likeness, counts = Likeness(), dict.fromkeys(settings.data, 0)
        for name in settings.data:
            for row in read(name):
                likeness.note(row)
                counts[name] += 1
                if counts[name] % _PROGRESS_ROWS == 0:
                    report.emit("heartbeat", rows=counts[name])
                    report.check_cancelled()
        likeness.settle()
        stream = RowStream(counts=counts, likeness=likeness, settings=settings, _read=read)
        if next(order_of(counts, settings), None) is None:
            raise no_rows()
        return stream

    def __len__(self) -> int:
        return sum(1 for _ in order_of(self.counts, self.settings))

    def __iter__(self) -> Iterator[Row]:
        cursors = {name: _Cursor(self._reader(name)) for name in self.counts}
        for name, number in order_of(self.counts, self.settings):
            yield self.likeness.filled(cursors[name].at(number))

    def _reader(self, name: str) -> Callable[[], Iterator[Any]]:
        return lambda: self._read(name)
