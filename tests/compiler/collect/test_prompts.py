"""What a row asks: the same question in every format, other questions for other pictures."""

import pytest

from tunewright.compiler.collect.prompts import prompt_digest

USER = {"role": "user", "content": "Where is my  invoice?"}
REPLY = {"role": "assistant", "content": "In your account."}


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "system", "content": "Be brief."}, USER, REPLY]},
        {"prompt": "where is my invoice?", "completion": "In your account."},
        {"prompt": [USER], "chosen": "In your account.", "rejected": "No."},
        {"chosen": [USER, REPLY], "rejected": [USER, REPLY]},
        {"instruction": "Where is", "input": "my invoice?", "output": "In your account."},
        {"question": "Where is my invoice?", "choices": ["a", "b"], "answer": 0},
    ],
)
def test_same_question_in_every_format(row: dict[str, object]) -> None:
    assert prompt_digest(row) == prompt_digest({"prompt": "Where is my invoice?"})


def test_other_questions_differ() -> None:
    pictures = [{"prompt": "What is wrong?", "images": [name]} for name in ("a.png", "b.png")]
    assert len({prompt_digest(row) for row in [*pictures, {"prompt": "What is wrong?"}]}) == 3


@pytest.mark.parametrize(
    "row", [{"text": "plain"}, {"prompt": ""}, {"prompt": None}, {"messages": [7, {"role": 1}]}, {}]
)
def test_a_row_that_asks_nothing(row: dict[str, object]) -> None:
    assert prompt_digest(row) == ""
