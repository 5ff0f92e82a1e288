"""A row that the chat template refuses: which one it is, found only when it happened."""

from collections.abc import Mapping
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.data import fitted_rows
from tunewright.runners.training.methods.method import Row
from tunewright.runners.training.settings import TrainSettings


def refused_row(
    error: BaseException, inputs: Mapping[str, Input], settings: TrainSettings, tokenizer: Any, report: Reporter
) -> StepFailedError | None:
    """Return the failure that names file and line when `error` came from the chat template, None for another error."""
    from jinja2 import TemplateError, TemplateSyntaxError

    if not isinstance(error, TemplateError):
        return None
    if isinstance(error, TemplateSyntaxError):
        return _broken(f"it is no valid Jinja, line {error.lineno}: {error.message}")
    for name, data_set in settings.data.items():
        for where, row in fitted_rows(name, data_set, inputs, settings, report):
            try:
                for conversation in _conversations(row):
                    tokenizer.apply_chat_template(conversation, tokenize=False)
            except TemplateError as refusal:
                return StepFailedError(
                    f"{where}: the base model's chat template refuses this row: {refusal}",
                    reason="DATA_INVALID",
                    help="correct or remove the row: roles in an order that the template knows, no empty parts",
                )
    return _broken(str(error))


def _broken(why: str) -> StepFailedError:
    return StepFailedError(
        f"the base model's chat template fails: {why}",
        reason="CHAT_TEMPLATE_BROKEN",
        help="use another base model, or mend its chat_template.jinja",
    )


def _conversations(row: Row) -> list[list[Row]]:
    begun = row["prompt"] if isinstance(row.get("prompt"), list) else []
    ends = [row[key] for key in ("messages", "completion", "chosen", "rejected") if isinstance(row.get(key), list)]
    return [[*begun, *end] for end in ends]
