"""Request bodies, checked field by field. Nothing that would change a reply is ignored in silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.runners.chat import ChatTemplateError, as_messages, prompt_tokens
from tunewright.runners.serving.errors import RequestError

#: Fields that change nothing about the text, or that are promised as best effort (`seed`).
_HARMLESS = {"user", "metadata", "store", "seed", "service_tier", "safety_identifier", "prompt_cache_key"}

#: Fields of the API that this engine does not do, with the values that ask for nothing.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "suffix": ("",),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
}

_OWN = {"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop"}

_MOST_STOPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds when a request does not say: the served name, lengths in tokens, how to sample, the system message."""

    served_model_name: str
    max_model_len: int
    max_new_tokens: int
    temperature: float
    top_p: float
    system_prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """A checked request: prompt as token ids and how the reply is written. Temperature 0 takes the likeliest token."""

    prompt: tuple[int, ...]
    max_new_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    stream: bool
    include_usage: bool


def parse_chat(body: Any, tokenizer: Any, defaults: Defaults) -> GenerationRequest:
    """Check the body of /v1/chat/completions; raise RequestError."""
    fields = _checked_fields(body, {"messages"}, defaults)
    messages = [_message(item, index) for index, item in enumerate(_list_of(fields, "messages"))]
    try:
        prompt = prompt_tokens(tokenizer, as_messages(messages, defaults.system_prompt))
    except ChatTemplateError as error:
        raise RequestError(str(error), param="messages") from error
    return _request(fields, prompt, defaults)


def parse_completion(body: Any, tokenizer: Any, defaults: Defaults) -> GenerationRequest:
    """Check the body of /v1/completions; raise RequestError."""
    fields = _checked_fields(body, {"prompt"}, defaults)
    prompt = fields.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str | list):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return _request(fields, list(tokenizer(prompt)["input_ids"]), defaults)
    if isinstance(prompt, list) and prompt and all(type(item) is int and 0 <= item < len(tokenizer) for item in prompt):
        return _request(fields, prompt, defaults)
    raise RequestError("`prompt` must be one text or one list of token ids", param="prompt")


def _checked_fields(body: Any, wanted: set[str], defaults: Defaults) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise RequestError("the body must be a JSON object")
    if not isinstance(body.get("model"), str):
        raise RequestError("`model` is missing", param="model")
    if body["model"] != defaults.served_model_name:
        raise RequestError(
            f"the model `{body['model']}` does not exist; this endpoint serves `{defaults.served_model_name}`",
            status=404,
            code="model_not_found",
            param="model",
        )
    for name, value in body.items():
        if name in _NEUTRAL and value is not None and value not in _NEUTRAL[name]:
            raise RequestError(
                f"`{name}` is not supported by the embedded engine", param=name, code="unsupported_value"
            )
        if name not in _OWN | wanted | _HARMLESS and name not in _NEUTRAL:
            raise RequestError(f"unknown field `{name}`", param=name, code="unknown_parameter")
    return body


def _request(fields: Mapping[str, Any], prompt: list[int], defaults: Defaults) -> GenerationRequest:
    options = fields.get("stream_options") or {}
    if not isinstance(options, dict):
        raise RequestError("`stream_options` must be an object", param="stream_options")
    return GenerationRequest(
        prompt=tuple(prompt),
        max_new_tokens=_reply_length(fields, len(prompt), defaults),
        temperature=_number(fields, "temperature", defaults.temperature, 0.0, 2.0),
        top_p=_number(fields, "top_p", defaults.top_p, 0.0, 1.0),
        stop=_stops(fields.get("stop")),
        stream=fields.get("stream") is True,
        include_usage=options.get("include_usage") is True,
    )


def _reply_length(fields: Mapping[str, Any], prompt_length: int, defaults: Defaults) -> int:
    room = defaults.max_model_len - prompt_length
    name = "max_completion_tokens" if fields.get("max_completion_tokens") is not None else "max_tokens"
    wanted = fields.get(name)
    if wanted is not None and (type(wanted) is not int or wanted < 1):
        raise RequestError(f"`{name}` must be a whole number of at least 1", param=name)
    if room < (wanted or 1):
        raise RequestError(
            f"this model takes {defaults.max_model_len} tokens; the prompt has {prompt_length}"
            + (f" and {wanted} are wanted as reply" if wanted else ""),
            code="context_length_exceeded",
            param="messages" if "messages" in fields else "prompt",
        )
    return min(wanted or defaults.max_new_tokens, room)


def _number(fields: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RequestError(f"`{name}` must be a number from {low:g} to {high:g}", param=name)
    return float(value)


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if (
        not isinstance(stops, list)
        or len(stops) > _MOST_STOPS
        or not all(isinstance(item, str) and item for item in stops)
    ):
        raise RequestError(f"`stop` must be a text or a list of at most {_MOST_STOPS} texts", param="stop")
    return tuple(stops)


def _list_of(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list) or not value:
        raise RequestError(f"`{name}` must be a list with at least one entry", param=name)
    return value


def _message(item: Any, index: int) -> dict[str, str]:
    where = f"messages[{index}]"
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise RequestError(f"`{where}` must be an object with `role` and `content`", param=where)
    content = item.get("content")
    if isinstance(content, list):
        if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
            raise RequestError(f"`{where}` has parts that are not text", param=where, code="unsupported_value")
        content = "".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str):
        raise RequestError(f"`{where}.content` must be text", param=where)
    role = "system" if item["role"] == "developer" else item["role"]
    return {"role": role, "content": content}
