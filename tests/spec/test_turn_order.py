"""Turns that no chat template can put in order."""

from typing import Any

import pytest

from tunewright.spec.formats import row_problem

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "What time is it?"}
REPLY = {"role": "assistant", "content": "Noon."}
CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "clock"}}]}
ANSWER = {"role": "tool", "content": "12:00"}


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([SYSTEM, USER, REPLY], None),
        ([USER, CALL, ANSWER, REPLY], None),
        ([USER, {**CALL, "tool_calls": [{}, {}]}, ANSWER, ANSWER, REPLY], None),
        ([USER, SYSTEM, REPLY], "message 2 of `messages` is a system message, which only stands first"),
        ([USER, ANSWER, REPLY], "message 2 of `messages` answers a tool call that nobody made"),
        ([USER, CALL, REPLY], "message 3 of `messages` comes before the tool call above it is answered"),
    ],
)
def test_order_of_turns(messages: list[dict[str, Any]], problem: str | None) -> None:
    assert row_problem({"messages": messages}, "messages") == problem


def test_a_part_of_a_conversation_may_begin_with_an_answer() -> None:
    assert row_problem({"prompt": [USER, CALL], "completion": [ANSWER, REPLY]}, "prompt_completion") is None
