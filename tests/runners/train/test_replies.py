"""Every reply of a conversation is found in the text of the model's template, whatever that does to the turns."""

import re
from typing import Any

import jinja2
import pytest

from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.replies import IGNORED, reply_tokens

CHATML = (
    "{% for m in messages %}<|start|>{{ m.role }}\n"
    "{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls }}{% endif %}<|end|>\n{% endfor %}"
)
#: Takes the thoughts out of every turn but the last and writes empty ones into that, as reasoning models do.
THINKING = (
    "{% for m in messages %}<|start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last and '<think>' not in m.content %}<think></think>{% endif %}"
    "{% if loop.last %}{{ m.content }}{% else %}{{ m.content.split('</think>')[-1].strip() }}{% endif %}"
    "<|end|>\n{% endfor %}"
)
SILENT = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
TALK = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "First."},
    {"role": "user", "content": "Two? First."},
    {"role": "assistant", "content": "Second."},
]


class Letters:
    """A tokenizer whose tokens are letters, but for the marks of its template."""

    is_fast = True

    def __init__(self, template: str) -> None:
        self.template = jinja2.Environment(autoescape=False).from_string(template)  # noqa: S701 - no page
        self.words = ["<|start|>", "<|end|>"]
        self.all_special_ids = [0, 1]

    def apply_chat_template(self, messages: list[Any], *, tokenize: bool, tools: list[Any] | None = None) -> str:
        assert not tokenize
        assert tools is None
        return self.template.render(messages=messages)

    def __call__(self, text: str, **_options: bool) -> dict[str, Any]:
        found = [*re.finditer(r"<\|\w+\|>|.", text, re.DOTALL)]
        self.words += sorted({match[0] for match in found} - {*self.words})
        return {
            "input_ids": [self.words.index(match[0]) for match in found],
            "offset_mapping": [match.span() for match in found],
        }


def learned(template: str, messages: list[dict[str, Any]]) -> str:
    tokenizer = Letters(template)
    encoded = reply_tokens(tokenizer, messages)
    pairs = zip(encoded["input_ids"], encoded["labels"], strict=True)
    return "".join("." if label == IGNORED else tokenizer.words[token] for token, label in pairs)


def replies(template: str, messages: list[dict[str, Any]]) -> list[str]:
    return [part for part in re.split(r"\.{5,}", learned(template, messages)) if part]


def test_every_reply_is_learned_with_the_token_that_ends_it() -> None:
    assert replies(CHATML, TALK) == ["First.<|end|>", "Second.<|end|>."]


def test_thoughts_that_the_template_takes_away_are_not_looked_for() -> None:
    talk = [*TALK]
    talk[2] = {"role": "assistant", "content": "<think>Hm.</think>First."}

    assert replies(THINKING, talk) == ["First.<|end|>", "Second.<|end|>."]


def test_a_call_of_a_tool_is_a_reply() -> None:
    talk = [
        TALK[1],
        {"role": "assistant", "content": "", "tool_calls": "look()"},
        {"role": "tool", "content": "7"},
        TALK[4],
    ]

    assert replies(CHATML, talk) == ["look()<|end|>", "Second.<|end|>."]


def test_a_template_that_hides_replies_is_refused() -> None:
    with pytest.raises(StepFailedError, match="does not write every reply"):
        learned(SILENT, TALK)
