"""Supervised fine-tuning."""

from collections.abc import Iterator
from typing import Any

from tunewright.runners.training.methods.method import Row, TrainingMethod
from tunewright.runners.training.replies import reply_tokens
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.formats import normal_row


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        **shared,
        packing=settings.packing,
        packing_strategy=settings.options["packing_strategy"],
        completion_only_loss=settings.loss_on != "all",
    )


def _trainer() -> Any:
    from trl import SFTTrainer

    return SFTTrainer


def _rows(row: Row, form: str, settings: TrainSettings) -> Iterator[Row]:
    normal = normal_row(row, form)
    if settings.loss_on != "completion" and "prompt" in normal:
        turns = [*normal.pop("prompt"), *normal.pop("completion")]
        normal = {"messages": turns, **normal}
    yield normal


def _encode(rows: list[Row], tokenizer: Any, settings: TrainSettings) -> list[Row]:
    if settings.loss_on != "replies" or "messages" not in rows[0]:
        return rows
    return [reply_tokens(tokenizer, row["messages"], row.get("tools")) for row in rows]


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, rows=_rows, encode=_encode)
