"""Data files become one training set in the form that TRL's trainers take."""

import random
from collections.abc import Iterator, Mapping
from itertools import islice

from tunewright.runners.contract import Input
from tunewright.runners.preparing.rows import checked_rows, files_of
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.images import hold_to_digest, with_images
from tunewright.runners.training.likeness import Likeness
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.mixing import mixed_order
from tunewright.runners.training.placed import PlacedRow
from tunewright.runners.training.settings import DataSet, TrainSettings
from tunewright.spec.images import PREPARED
from tunewright.spec.prompts import fill_template


def read_training_rows(inputs: Mapping[str, Input], settings: TrainSettings, report: Reporter) -> list[Row]:
    """Return all rows of all data sets in the trainer's form and in file order; raise StepFailedError naming file:line.

    Several sets are mixed as `mixing.mixed_order` says.
    """
    sets = {name: list(placed_rows(name, inputs, settings, report)) for name in settings.data}
    likeness = Likeness()
    for taken in sets.values():
        for row in taken:
            likeness.note(row)
    likeness.settle()
    order = order_of({name: len(taken) for name, taken in sets.items()}, settings)
    if not (rows := [likeness.filled(sets[name][index]) for name, index in order]):
        raise no_rows()
    return rows


def placed_rows(name: str, inputs: Mapping[str, Input], settings: TrainSettings, report: Reporter) -> Iterator[Row]:
    """Yield the rows of one data set that a step takes, in file order; raise StepFailedError."""
    data_set = settings.data[name]
    if data_set.images not in (None, PREPARED):
        hold_to_digest(name, data_set.images, files_of(f"data.{name}", inputs))
    rows = (PlacedRow(row, place) for place, row in fitted_rows(name, data_set, inputs, settings, report))
    yield from islice(rows, data_set.limit)


def order_of(counts: Mapping[str, int], settings: TrainSettings) -> Iterator[tuple[str, int]]:
    """Yield the rows of all sets in the order they are learned from, as the name of a set and a number in it."""
    return mixed_order(counts, {name: item.weight for name, item in settings.data.items()}, settings.mix, settings.seed)


def no_rows() -> StepFailedError:
    """Return the error of a step without rows."""
    return StepFailedError("the data files hold no rows", reason="NO_DATA", help="add rows, or raise `limit`")


def fitted_rows(
    name: str, data_set: DataSet, inputs: Mapping[str, Input], settings: TrainSettings, report: Reporter
) -> Iterator[tuple[str, Row]]:
    """Yield `(file:line, row)` of one data set, each row in the trainer's form."""
    for path in files_of(f"data.{name}", inputs):
        for where, _, row in checked_rows([path], data_set.format, report, data_set.columns, data_set.replace):
            for fitted in with_images(_fit(row, data_set, settings), row, path.parent):
                yield where, fitted


def split_rows(rows: list[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Return `(training rows, held-out rows)`; the seed decides which, the order of the others is kept."""
    held_out = held_out_rows(len(rows), share, seed)
    training = [row for index, row in enumerate(rows) if index not in held_out]
    return training, [row for index, row in enumerate(rows) if index in held_out]


def held_out_rows(count: int, share: float, seed: int) -> frozenset[int]:
    """Return the numbers of the rows that are held out of so many; none where all or none would be."""
    held_out = round(count * share)
    if not share or held_out == 0 or held_out >= count:
        return frozenset()
    return frozenset(random.Random(seed).sample(range(count), held_out))  # noqa: S311 - not cryptography


def needs_chat_template(row: Row) -> bool:
    """Say whether rows like this are conversations, which only a chat template turns into text."""
    return any(isinstance(row.get(name), list) for name in ("messages", "prompt", "chosen"))


def _fit(row: Row, data_set: DataSet, settings: TrainSettings) -> Iterator[Row]:
    if data_set.prompt_template is not None:
        prompt, reply = fill_template(data_set.prompt_template, row), row["output"]
        yield {"text": prompt + reply} if settings.loss_on == "all" else {"prompt": prompt, "completion": reply}
        return
    for fitted in training_method(settings.method).rows(row, data_set.format, settings):
        if settings.system_prompt:
            for key in ("prompt", "messages"):
                if key in fitted and not _has_system(fitted[key]):
                    fitted[key] = [{"role": "system", "content": settings.system_prompt}, *fitted[key]]
        yield fitted


def _has_system(messages: list[Row]) -> bool:
    return bool(messages) and messages[0]["role"] == "system"
