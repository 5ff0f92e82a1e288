"""Tool calls in conversations: the shape of `tools` and `tool_calls`, and the form chat templates take them in."""

import json
from collections.abc import Mapping
from typing import Any


def tools_problem(row: Mapping[str, Any]) -> str | None:
    """Say in one sentence why the `tools` of a row can't be offered to a model, or return None."""
    tools = row.get("tools")
    if not tools:
        return None
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except ValueError:
            return "`tools` is text that is not JSON"
    if not isinstance(tools, list):
        return "`tools` must be a list of tools"
    for number, tool in enumerate(tools, start=1):
        if not isinstance(tool, dict) or not isinstance(_function(tool).get("name"), str):
            return f"tool {number} of `tools` must be an object with `function` and its `name`"
    return None


def calls_problem(calls: Any, role: str) -> str | None:
    """Say what is wrong with the `tool_calls` of one message, after the words that name it, or return None."""
    if role != "assistant":
        return f"has `tool_calls`, which only the assistant makes, not the {role}"
    if not isinstance(calls, list):
        return "has `tool_calls` that are no list"
    for number, call in enumerate(calls, start=1):
        function = _function(call) if isinstance(call, dict) else {}
        if not isinstance(function.get("name"), str):
            return f"has a tool call without a name (number {number}): it needs `function` with `name` and `arguments`"
        if not isinstance(_arguments(function.get("arguments", {})), dict):
            return f"calls `{function['name']}` with `arguments` that are no object"
    return None


def tools_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{tools: [...]}` of a row that offers some, else nothing."""
    tools = row.get("tools")
    return {"tools": json.loads(tools) if isinstance(tools, str) else list(tools)} if tools else {}


def with_arguments(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages whose tool calls have their arguments as objects: templates write them as JSON themselves."""
    return [
        {**message, "tool_calls": [_with_object(call) for call in message["tool_calls"]]}
        if message.get("tool_calls")
        else message
        for message in messages
    ]


def _with_object(call: dict[str, Any]) -> dict[str, Any]:
    function = _function(call)
    plain = {**function, "arguments": _arguments(function.get("arguments", {}))}
    return {**call, "function": plain} if "function" in call else plain


def _function(value: dict[str, Any]) -> dict[str, Any]:
    inner = value.get("function", value)
    return inner if isinstance(inner, dict) else {}


def _arguments(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else {}
    except ValueError:
        return None
