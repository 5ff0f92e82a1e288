"""Rows whose own names differ from their format's: columns, the keys of messages, and the words for who speaks.

Standard library only.
"""

from collections.abc import Mapping
from typing import Any

#: Keys inside each message; every other name is a column of the row.
MESSAGE_KEYS = ("role", "content")

#: Columns that hold messages where they do not hold a text.
_CONVERSATIONS = ("messages", "prompt", "completion", "chosen", "rejected")

#: Words that data sets use for who speaks, and ours.
_SPEAKERS: Mapping[str, str] = {
    "human": "user", "prompter": "user", "instruction": "user",
    "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatgpt": "assistant", "bing": "assistant",
    "bard": "assistant",
    "observation": "tool", "function_response": "tool", "tool_response": "tool", "ipython": "tool",
}  # fmt: skip


def renamed(
    row: Mapping[str, Any], columns: Mapping[str, str] | None, replace: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the row with the names of its format; `columns` maps those to the row's own, `replace` texts to others.

    A conversation beside a choice is its prompt: `{messages, chosen, rejected}` reads as `{prompt, chosen, rejected}`,
    and of `{messages, label}` the last message is the completion.
    """
    if replace:
        row = {name: _replaced(value, replace) for name, value in row.items()}
    if not columns:
        return dict(row)
    taken = {theirs for ours, theirs in columns.items() if ours not in MESSAGE_KEYS}
    result = {name: value for name, value in row.items() if name not in taken}
    result |= {
        ours: row[theirs]
        for ours, theirs in columns.items()
        if ours not in MESSAGE_KEYS and row.get(theirs) is not None
    }
    role, content = columns.get("role", "role"), columns.get("content", "content")
    for name in _CONVERSATIONS:
        if name in result:
            result[name] = _messages(result[name], role, content)
    return _with_prompt(result)


def _replaced(value: Any, replace: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for written, wanted in replace.items():
            value = value.replace(written, wanted)
        return value
    if isinstance(value, list):
        return [_replaced(item, replace) for item in value]
    if isinstance(value, dict):
        return {name: _replaced(item, replace) for name, item in value.items()}
    return value


def _messages(value: Any, role: str, content: str) -> Any:
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return value
    return [_message(item, role, content) if isinstance(item, dict) else item for item in value]


def _message(message: Mapping[str, Any], role: str, content: str) -> dict[str, Any]:
    result = {name: value for name, value in message.items() if name not in (role, content)}
    if role in message:
        result["role"] = _SPEAKERS.get(str(message[role]), message[role])
    if content in message:
        result["content"] = message[content]
    return result


def _with_prompt(row: dict[str, Any]) -> dict[str, Any]:
    messages = row.get("messages")
    if not isinstance(messages, list) or "prompt" in row:
        return row
    if "chosen" in row and "rejected" in row:
        return {**row, "prompt": messages}
    if "label" in row and "completion" not in row:
        return {**row, "prompt": messages[:-1], "completion": messages[-1:]}
    return row
