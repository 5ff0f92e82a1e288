"""Conversations as token ids, by the chat template of the model. The tokenizer comes from outside."""

from collections.abc import Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]


class ChatTemplateError(ValueError):
    """The model's chat template refuses the messages (roles that do not alternate, a role it does not know)."""


def is_broken(refusal: ChatTemplateError) -> bool:
    """Say whether the template itself is no valid Jinja, so that it refuses every conversation."""
    from jinja2 import TemplateSyntaxError

    return isinstance(refusal.__cause__, TemplateSyntaxError)


def as_messages(prompt: str | Sequence[Message], system_prompt: str | None = None) -> list[dict[str, Any]]:
    """Return a prompt, text or messages, as messages; `system_prompt` goes first unless they bring their own."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [dict(item) for item in prompt]
    if system_prompt and messages[0]["role"] != "system":
        return [{"role": "system", "content": system_prompt}, *messages]
    return messages


def prompt_tokens(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Return the ids of a conversation up to the place where the assistant's reply begins."""
    return _render(tokenizer, messages, add_generation_prompt=True)


def conversation_tokens(
    tokenizer: Any, prompt: Sequence[Message], completion: Sequence[Message], tools: Any | None = None
) -> tuple[list[int], int]:
    """Return the ids of prompt and completion together, and how many of them belong to the prompt."""
    whole = _render(tokenizer, [*prompt, *completion], add_generation_prompt=False, tools=tools)
    start = _render(tokenizer, prompt, add_generation_prompt=True, tools=tools)
    return whole, common_length(start, whole)


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many ids two sequences begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


def _render(
    tokenizer: Any, messages: Sequence[Message], *, add_generation_prompt: bool, tools: Any | None = None
) -> list[int]:
    if not tokenizer.chat_template:
        # A base model has no turns: the contents follow one another as plain text.
        text = "\n".join(str(message["content"]) for message in messages)
        return list(tokenizer(text + "\n" if add_generation_prompt else text)["input_ids"])
    try:
        rendered = tokenizer.apply_chat_template(
            list(messages), tools=tools, add_generation_prompt=add_generation_prompt, tokenize=True, return_dict=True
        )
    except Exception as error:  # templates are programs: jinja2 raises whatever their author wrote
        raise ChatTemplateError(f"the model's chat template refuses the messages: {error}") from error
    return list(rendered["input_ids"])
