"""Turns that no chat template can put in order."""

import json
from typing import Any

import pytest

from tunewright.spec.formats import normal_row, row_problem

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "What time is it?"}
REPLY = {"role": "assistant", "content": "Noon."}
CALL: dict[str, Any] = {"role": "assistant", "tool_calls": [{"function": {"name": "clock"}}]}
ANSWER = {"role": "tool", "content": "12:00"}


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([SYSTEM, USER, REPLY], None),
        ([USER, CALL, ANSWER, REPLY], None),
        ([USER, {**CALL, "tool_calls": CALL["tool_calls"] * 2}, ANSWER, ANSWER, REPLY], None),
        ([USER, SYSTEM, REPLY], "message 2 of `messages` is a system message, which only stands first"),
        ([USER, ANSWER, REPLY], "message 2 of `messages` answers a tool call that nobody made"),
        ([USER, CALL, REPLY], "message 3 of `messages` comes before the tool call above it is answered"),
    ],
)
def test_order_of_turns(messages: list[dict[str, Any]], problem: str | None) -> None:
    assert row_problem({"messages": messages}, "messages") == problem


def test_a_part_of_a_conversation_may_begin_with_an_answer() -> None:
    assert row_problem({"prompt": [USER, CALL], "completion": [ANSWER, REPLY]}, "prompt_completion") is None


@pytest.mark.parametrize(
    ("calls", "problem"),
    [
        ("clock", "message 2 of `messages` has `tool_calls` that are no list"),
        (
            [{"function": {"arguments": {}}}],
            "message 2 of `messages` has a tool call without a name (number 1): "
            "it needs `function` with `name` and `arguments`",
        ),
        (
            [{"function": {"name": "clock", "arguments": "{zone:"}}],
            "message 2 of `messages` calls `clock` with `arguments` that are no object",
        ),
    ],
)
def test_calls_that_no_tool_could_answer(calls: Any, problem: str) -> None:
    messages = [USER, {"role": "assistant", "tool_calls": calls}, ANSWER, REPLY]
    assert row_problem({"messages": messages}, "messages") == problem


def test_tools_are_objects_with_a_name() -> None:
    row = {"messages": [USER, REPLY], "tools": [{"type": "function", "function": {}}]}
    assert row_problem(row, "messages") == "tool 1 of `tools` must be an object with `function` and its `name`"
    assert row_problem({**row, "tools": "[{"}, "messages") == "`tools` is text that is not JSON"


def test_arguments_written_as_text_become_an_object() -> None:
    """Templates write arguments as JSON themselves; text would come out quoted twice."""
    call = {"function": {"name": "clock", "arguments": '{"zone": "UTC"}'}}
    tools = [{"type": "function", "function": {"name": "clock"}}]
    row = {"messages": [USER, {"role": "assistant", "tool_calls": [call]}, ANSWER, REPLY], "tools": json.dumps(tools)}
    normal = normal_row(row, "messages")
    assert normal["prompt"][1]["tool_calls"][0]["function"]["arguments"] == {"zone": "UTC"}
    assert normal["tools"] == tools
