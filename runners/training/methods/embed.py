"""Embeddings: vectors of whole texts, learnt from pairs that belong together (Reimers and Gurevych 2019)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.training.heads.layout import write_layout
from tunewright.runners.training.methods.method import Row, TrainingMethod
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.vision import body_class
from tunewright.spec.formats import normal_row


def _arguments(_settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from transformers import TrainingArguments

    own = {key: value for key, value in shared.items() if key != "max_length"}
    return TrainingArguments(**own, remove_unused_columns=False)


def _trainer() -> Any:
    from tunewright.runners.training.heads.pairs import PairTrainer

    return PairTrainer


def _rows(row: Row, form: str, _settings: TrainSettings) -> Iterator[Row]:
    # All rows of a set have the same columns.
    yield {"negative": "", **normal_row(row, form)}


def _encode(rows: list[Row], tokenizer: Any, settings: TrainSettings) -> list[Row]:
    from tunewright.runners.training.heads.pairs import encoded

    return encoded(rows, tokenizer, settings.max_length)


def _load(folder: Path, _settings: TrainSettings, **options: Any) -> Any:
    return body_class(folder).from_pretrained(folder, **options)


def _extras(_tuned: Any, settings: TrainSettings, _inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {"options": settings.options}


def _describe(outputs: Path, model: Any, settings: TrainSettings) -> None:
    width = int(model.config.get_text_config().hidden_size)
    write_layout(outputs, pooling=settings.options["pooling"], width=width, max_length=settings.max_length)


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    rows=_rows,
    encode=_encode,
    load=_load,
    task="FEATURE_EXTRACTION",
    extras=_extras,
    answer=lambda output: output.last_hidden_state,
    describe=_describe,
    figures={
        "mrr": ("eval_mrr", -1),
        "recall_at_1": ("eval_recall_at_1", -1),
        "recall_at_10": ("eval_recall_at_10", -1),
    },
)
