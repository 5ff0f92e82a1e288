"""Answers in the shapes of OpenAI's API: whole completions, and chunks of a stream."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

Shape = Literal["chat", "text"]

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int

    def to_json(self) -> dict[str, int]:
        """Return the API's usage object."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What all parts of one answer have in common."""

    shape: Shape
    model: str
    created: int = field(default_factory=lambda: int(time.time()))
    number: str = field(default_factory=lambda: uuid.uuid4().hex)

    def whole(self, text: str, finish_reason: str, usage: Usage) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""
        chat = {"message": {"role": "assistant", "content": text, "refusal": None}}
        choice = chat if self.shape == "chat" else {"text": text}
        finished = {"index": 0, **choice, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head("chat.completion"), "choices": [finished], "usage": usage.to_json()}

    def opening(self) -> str:
        """Return the first line of a stream: in a chat, who speaks."""
        return self._chunk({"role": "assistant", "content": ""}, None) if self.shape == "chat" else ""

    def piece(self, text: str) -> str:
        """Return the line that carries more text."""
        return self._chunk({"content": text} if self.shape == "chat" else text, None)

    def closing(self, finish_reason: str) -> str:
        """Return the line that says why the reply ends."""
        return self._chunk({} if self.shape == "chat" else "", finish_reason)

    def accounting(self, usage: Usage) -> str:
        """Return the line with the usage, which has no choices."""
        return _event({**self._head("chat.completion.chunk"), "choices": [], "usage": usage.to_json()})

    def _chunk(self, content: Any, finish_reason: str | None) -> str:
        choice = {"index": 0, "delta" if self.shape == "chat" else "text": content, "finish_reason": finish_reason}
        return _event({**self._head("chat.completion.chunk"), "choices": [{**choice, "logprobs": None}]})

    def _head(self, chat_object: str) -> dict[str, Any]:
        chat = self.shape == "chat"
        return {
            "id": ("chatcmpl-" if chat else "cmpl-") + self.number,
            "object": chat_object if chat else "text_completion",
            "created": self.created,
            "model": self.model,
        }


def error_event(body: dict[str, Any]) -> str:
    """Return the line that ends a stream which failed after it began."""
    return _event(body)


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
