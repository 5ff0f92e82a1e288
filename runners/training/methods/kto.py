"""Kahneman-Tversky optimisation (Ethayarajh et al. 2024): from single replies marked good or bad."""

from collections.abc import Iterator
from typing import Any

from tunewright.runners.training.methods.method import PREFERENCE_FIGURES, Row, TrainingMethod
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.formats import normal_row


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import KTOConfig

    weights = {key: settings.options[key] for key in ("desirable_weight", "undesirable_weight")}
    return KTOConfig(**shared, beta=settings.options["beta"], **weights)


def _trainer() -> Any:
    from trl import KTOTrainer

    return KTOTrainer


def _rows(row: Row, form: str, _settings: TrainSettings) -> Iterator[Row]:
    normal = normal_row(row, form)
    if form == "preference":
        yield {"prompt": normal["prompt"], "completion": normal["chosen"], "label": True}
        yield {"prompt": normal["prompt"], "completion": normal["rejected"], "label": False}
    else:
        yield normal


METHOD = TrainingMethod(arguments=_arguments, trainer=_trainer, rows=_rows, figures=PREFERENCE_FIGURES)
