"""Supervised fine-tuning."""

from collections.abc import Iterator
from typing import Any

from tunewright.runners.chat import common_length, conversation_tokens
from tunewright.runners.training.methods.method import Row, TrainingMethod
from tunewright.runners.training.plugged_loss import plugged_loss
from tunewright.runners.training.replies import IGNORED, reply_tokens
from tunewright.runners.training.sequences import sequence_parts
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.formats import normal_row


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        **shared,
        packing=settings.packing,
        packing_strategy=settings.options["packing_strategy"],
        pad_to_multiple_of=sequence_parts(settings),
        completion_only_loss=settings.loss_on != "all",
        # TRL would copy every row to cut it, which our tokens are.
        dataset_kwargs={"skip_prepare_dataset": True} if _is_ready(settings) else None,
    )


def _is_ready(settings: TrainSettings) -> bool:
    """Say whether the trainer gets tokens that need nothing more; rows with images go to it as they are."""
    return not settings.packing and all(item.images is None for item in settings.data.values())


def _trainer() -> Any:
    from trl import SFTTrainer

    return SFTTrainer


def _rows(row: Row, form: str, settings: TrainSettings) -> Iterator[Row]:
    normal = normal_row(row, form)
    if settings.loss_on != "completion" and "prompt" in normal:
        turns = [*normal.pop("prompt"), *normal.pop("completion")]
        normal = {"messages": turns, **normal}
    yield normal


def _tokens(row: Row, tokenizer: Any, settings: TrainSettings) -> Row:
    """Return the tokens of a row as TRL's trainer makes them; learned are the last reply, every reply, or the whole."""
    if "messages" in row:
        if settings.loss_on == "replies":
            return reply_tokens(tokenizer, row["messages"], row.get("tools"))
        ids, start = conversation_tokens(tokenizer, row["messages"], [], row.get("tools"))[0], 0
    elif "text" in row:
        ids, start = list(tokenizer(_ended(row["text"], tokenizer))["input_ids"]), 0
    elif isinstance(row["prompt"], str):
        ids = list(tokenizer(row["prompt"] + _ended(row["completion"], tokenizer))["input_ids"])
        start = common_length(tokenizer(row["prompt"])["input_ids"], ids)
    else:
        ids, start = conversation_tokens(tokenizer, row["prompt"], row["completion"], row.get("tools"))
    return {"input_ids": ids, "labels": [IGNORED] * start + ids[start:]}


def _ended(text: str, tokenizer: Any) -> str:
    """Plain text ends where the model shall stop."""
    end = tokenizer.eos_token
    return text if end is None or text.endswith(end) else text + end


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, rows=_rows, tokens=_tokens, extras=plugged_loss)
