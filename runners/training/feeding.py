"""Rows as the data set that a trainer is given, with what became of them told: tokens where we make them, else rows."""

from typing import Any

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tokens import TokenCounts, tokenised


def makes_tokens(rows: list[Row], settings: TrainSettings) -> bool:
    """Say whether we make the tokens of these rows; rows with images go to the trainer as they are."""
    return training_method(settings.method).tokens is not None and not any("images" in row for row in rows)


def data_set(rows: list[Row], tokenizer: Any, settings: TrainSettings, report: Reporter | None) -> Any:
    """Return rows as a data set; `report` hears what became of them. Raises StepFailedError when none is left."""
    from datasets import Dataset

    method = training_method(settings.method)
    if method.tokens is None or not makes_tokens(rows, settings):
        fitting = method.encode(rows, tokenizer, settings)
        if not fitting:
            raise nothing_left(settings)
        # Tools have arguments of their own each.
        return _with_pictures(Dataset.from_list(fitting, on_mixed_types="use_json"))
    counts = TokenCounts()
    tokens = list(tokenised(rows, method.tokens, tokenizer, settings, counts))
    if not tokens:
        raise nothing_left(settings)
    if report is not None:
        tell(counts, settings, report)
    return Dataset.from_list(tokens)


def _with_pictures(rows: Any) -> Any:
    from datasets import Image, List

    # Pictures are opened when a batch needs them.
    return rows.cast_column("images", List(Image())) if "images" in rows.column_names else rows


def tell(counts: TokenCounts, settings: TrainSettings, report: Reporter) -> None:
    """Report the figures, and warn of rows that are cut or left out."""
    report.emit("data_report", data=",".join(settings.data), values=counts.figures())
    first = f" (first: {counts.named[0]['row']})" if counts.named else ""
    if left_out := counts.seen - counts.rows:
        report.emit(
            "warning",
            code="rows-dropped",
            message=f"{left_out} of {counts.seen} rows were left out: {counts.nothing_to_learn} have nothing to learn "
            f"within `max_length` {settings.max_length}, {counts.too_long} are longer{first}",
        )
    if counts.cut:
        report.emit(
            "warning",
            code="rows-cut",
            message=f"{counts.cut} of {counts.seen} rows ({counts.cut_share:.1%}) are longer than `max_length` "
            f"{settings.max_length} and were cut at the {settings.truncation}{first}",
        )


def nothing_left(settings: TrainSettings) -> StepFailedError:
    """Return the error of a step all of whose rows are too long."""
    return StepFailedError(
        f"no row is left to learn from: every prompt alone fills `max_length` {settings.max_length}",
        reason="ROWS_TOO_LONG",
        help="raise `max_length`, or shorten the rows",
    )
