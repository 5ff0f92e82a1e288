"""Data files become one training set in the form that TRL's trainers take."""

import random
from collections.abc import Iterator, Mapping

from tunewright.runners.contract import Input
from tunewright.runners.preparing.rows import checked_rows, files_of
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.images import hold_to_digest, with_images
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.mixing import mixed
from tunewright.runners.training.placed import PlacedRow
from tunewright.runners.training.settings import DataSet, TrainSettings
from tunewright.spec.prompts import fill_template

_TOOLS = "tools"


def read_training_rows(inputs: Mapping[str, Input], settings: TrainSettings, report: Reporter) -> list[Row]:
    """Return all rows of all data sets in the trainer's form and in file order; raise StepFailedError naming file:line.

    Several sets are mixed as `mixing.mixed` says.
    """
    sets: dict[str, list[Row]] = {}
    for name, data_set in settings.data.items():
        taken: list[Row] = [
            PlacedRow(row, place) for place, row in fitted_rows(name, data_set, inputs, settings, report)
        ]
        if data_set.images is not None:
            hold_to_digest(name, data_set.images, files_of(f"data.{name}", inputs))
        if data_set.limit is not None:
            taken = taken[: data_set.limit]
        sets[name] = taken
    rows = mixed(sets, {name: item.weight for name, item in settings.data.items()}, settings.mix, settings.seed)
    if any("images" in row for row in rows):
        rows = [{"images": [], **row} for row in rows]
    if not rows:
        raise StepFailedError("the data files hold no rows", reason="NO_DATA", help="add rows, or raise `limit`")
    if any(_TOOLS in row for row in rows):
        rows = [{_TOOLS: None, **row} for row in rows]
    if len({tuple(sorted((name, isinstance(value, str)) for name, value in row.items())) for row in rows}) > 1:
        raise StepFailedError(
            "the data sets mix plain text with conversations, which one training step can't learn from together",
            reason="DATA_MIXED",
            help="train on them in two steps, one after the other (`from:`)",
        )
    return rows


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
    held_out_count = round(len(rows) * share)
    if not share or held_out_count == 0 or held_out_count >= len(rows):
        return rows, []
    chosen = set(random.Random(seed).sample(range(len(rows)), held_out_count))  # noqa: S311 - not cryptography
    training = [row for index, row in enumerate(rows) if index not in chosen]
    return training, [row for index, row in enumerate(rows) if index in chosen]


def needs_chat_template(rows: list[Row]) -> bool:
    """Say whether the rows are conversations, which only a chat template turns into text."""
    return not any(isinstance(rows[0].get(name), str) for name in ("text", "completion"))


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
