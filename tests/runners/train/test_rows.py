"""Rows of data files become what a trainer takes: under their own names, as conversations or as plain text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners.contract import Input
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.data import needs_chat_template, read_training_rows
from tunewright.runners.training.settings import TrainSettings

SHARED = {"format": "messages", "columns": {"messages": "conversations", "role": "from", "content": "value"}}
POSED = {"format": "instruction", "prompt_template": "Q: {instruction}\nA: "}
TALK = {"conversations": [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "Here."}]}
TASK = {"instruction": "Sort.", "output": "a b"}


class Quiet:
    """A reporter that nobody listens to."""

    def check_cancelled(self) -> None:
        """Go on."""


RowsOf = Callable[..., list[Any]]


@pytest.fixture
def rows_of(tmp_path: Path, parameters: dict[str, Any]) -> RowsOf:
    """Return the training rows of data sets: name -> (how it is read, its row)."""

    def rows_of(sets: dict[str, tuple[dict[str, Any], dict[str, Any]]], **changes: Any) -> list[Any]:
        inputs = {}
        for name, (_, row) in sets.items():
            path = tmp_path / f"{name}.jsonl"
            path.write_text(json.dumps(row) + "\n")
            inputs[f"data.{name}"] = Input(path=str(path), role="data", digest="sha256:" + "0" * 64)
        told = parameters | {"data": {name: how for name, (how, _) in sets.items()}} | changes
        return read_training_rows(inputs, TrainSettings.from_parameters(told), Quiet())  # type: ignore[arg-type]

    return rows_of


def test_rows_are_read_under_their_own_names(rows_of: RowsOf) -> None:
    rows = rows_of({"talk": (SHARED, TALK)}, system_prompt="Be kind.")

    assert rows == [
        {
            "prompt": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where?"}],
            "completion": [{"role": "assistant", "content": "Here."}],
        }
    ]
    assert needs_chat_template(rows[0])


def test_a_prompt_template_makes_text_of_instructions(rows_of: RowsOf) -> None:
    rows = rows_of({"tasks": (POSED, TASK)})

    assert rows == [{"prompt": "Q: Sort.\nA: ", "completion": "a b"}]
    assert not needs_chat_template(rows[0])
    assert rows_of({"tasks": (POSED, TASK)}, loss_on="all") == [{"text": "Q: Sort.\nA: a b"}]


def test_texts_and_conversations_do_not_mix(rows_of: RowsOf) -> None:
    with pytest.raises(StepFailedError, match="mix plain text"):
        rows_of({"talk": (SHARED, TALK), "tasks": (POSED, TASK)})
