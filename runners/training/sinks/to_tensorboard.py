"""TensorBoard's event files, by tensorboardX."""

from collections.abc import Mapping
from typing import Any

from tunewright.runners.training.sinks.sink import Context, Sink


class TensorBoard:
    """Writes scalars; TensorBoard reads all files of the folder, so a resumed training goes on in the same curves."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Append figures and flush them: people look at running trainings."""
        for name, value in values.items():
            self._writer.add_scalar(f"train/{name}", value, step)
        self._writer.flush()

    def close(self, *, succeeded: bool) -> None:
        """Close the file."""
        del succeeded
        self._writer.close()


def open_sink(context: Context) -> Sink:
    """Open a new event file in the sink's folder."""
    from tensorboardX import SummaryWriter

    return TensorBoard(SummaryWriter(str(context.folder)))
