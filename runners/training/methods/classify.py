"""Classification of texts: a head with one output a label, which looks at the last token."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.heads.classes import Collator, likeliest, told, write_labels
from tunewright.runners.training.heads.loading import load_with_head, named_classes
from tunewright.runners.training.methods.method import Row, TrainingMethod
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.labels import label_number


def _arguments(_settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(**{key: value for key, value in shared.items() if key != "max_length"})


def _trainer() -> Any:
    from tunewright.runners.training.heads.trainer import HeadTrainer

    return HeadTrainer


def _tokens(row: Row, tokenizer: Any, settings: TrainSettings) -> Row:
    """Return the tokens that `tokenizer(text)` gives, as it does for everybody who uses the result."""
    labels = settings.options["labels"]
    if (number := label_number(row["label"], labels)) is None:
        raise StepFailedError(
            f"`{row['label']}` is none of the labels {', '.join(labels[:10])}",
            reason="LABEL_UNKNOWN",
            help="add it to `labels`, or correct the row",
        )
    return {"input_ids": list(tokenizer(row["text"])["input_ids"]), "labels": number}


def _load(folder: Path, settings: TrainSettings, **options: Any) -> Any:
    return load_with_head(folder, settings.seed, **named_classes(settings.options["labels"]), **options)


def _extras(tuned: Any, _settings: TrainSettings, _inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {
        "data_collator": Collator(tuned.model.config.get_text_config().pad_token_id),
        "compute_metrics": told,
        "preprocess_logits_for_metrics": likeliest,
    }


def _describe(outputs: Path, _model: Any, settings: TrainSettings) -> None:
    if settings.tuner.makes_adapter:
        write_labels(outputs, settings.options["labels"])


METHOD = TrainingMethod(
    arguments=_arguments,
    trainer=_trainer,
    tokens=_tokens,
    load=_load,
    task="SEQ_CLS",
    extras=_extras,
    describe=_describe,
    figures={"accuracy": ("eval_accuracy", -1), "macro_f1": ("eval_macro_f1", -1)},
)
