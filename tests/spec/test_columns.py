"""Rows with names of their own read as their format; instruction rows become text where a template says how."""

import pytest

from tunewright.spec.columns import renamed
from tunewright.spec.formats import normal_row, row_problem
from tunewright.spec.prompts import fill_template, template_problem

SHARED = {"messages": "conversations", "role": "from", "content": "value"}
TALK = [{"from": "human", "value": "Where to?"}, {"from": "gpt", "value": "Room four."}]


def test_no_columns_change_nothing() -> None:
    row = {"conversations": TALK}

    assert renamed(row, None) == row


def test_shared_conversations_read_as_messages() -> None:
    row = renamed({"conversations": TALK, "source": "desk"}, SHARED)

    assert row_problem(row, "messages") is None
    assert row["messages"] == [
        {"role": "user", "content": "Where to?"},
        {"role": "assistant", "content": "Room four."},
    ]
    assert row["source"] == "desk"


def test_columns_can_change_places() -> None:
    row = renamed(
        {"output": "a question", "instruction": "a reply"}, {"instruction": "output", "output": "instruction"}
    )

    assert row == {"instruction": "a question", "output": "a reply"}


def test_conversation_beside_a_choice_is_its_prompt() -> None:
    reply = {"from": "gpt", "value": "Room five."}
    row = renamed({"conversations": TALK[:1], "chosen": TALK[1], "rejected": reply}, SHARED)

    assert row_problem(row, "preference") is None
    assert normal_row(row, "preference")["rejected"] == [{"role": "assistant", "content": "Room five."}]


def test_last_message_of_a_marked_conversation_is_the_completion() -> None:
    row = renamed({"conversations": TALK, "good": True}, {**SHARED, "label": "good"})

    assert row_problem(row, "kto") is None
    assert normal_row(row, "kto")["completion"] == [{"role": "assistant", "content": "Room four."}]


def test_placeholders_are_replaced_wherever_they_stand() -> None:
    row = renamed({"text": "I am {{NAME}}", "turns": [{"say": "{{NAME}}?"}], "n": 1}, None, {"{{NAME}}": "Ada"})

    assert row == {"text": "I am Ada", "turns": [{"say": "Ada?"}], "n": 1}


def test_missing_columns_stay_missing() -> None:
    assert row_problem(renamed({"text": "x"}, SHARED), "messages") == "`messages` is missing"


def test_template_takes_the_input_where_there_is_one() -> None:
    row = {"instruction": "Sort.", "input": "b a", "output": "a b"}

    assert "### Input:\nb a\n" in fill_template("alpaca", row)
    assert "### Input" not in fill_template("alpaca", {**row, "input": ""})
    assert normal_row(row, "instruction", "{system}Q: {instruction} {input}\nA: ") == {
        "prompt": "Q: Sort. b a\nA: ",
        "completion": "a b",
    }


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("alpaca", None),
        ("{instruction}", None),
        ("vicuna", "has no `{instruction}`"),
        ("{query}", "`{query}` is no column"),
    ],
)
def test_template_is_looked_at(template: str, problem: str | None) -> None:
    found = template_problem(template)

    assert (found is None) if problem is None else (found is not None and problem in found)
