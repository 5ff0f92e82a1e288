"""Where generation stops, held against where the chat template ends a turn."""

from typing import Any

import pytest

from tunewright.compiler.collect.stops import unstopped_turn
from tunewright.compiler.facts.families import family_of

TEMPLATE = "{{ m.content }}<|im_end|>"
ADDED = {"1": {"content": "<|endoftext|>"}, "2": {"content": "<|im_end|>"}}


@pytest.mark.parametrize(
    ("model_type", "template", "tokenizer", "generation", "expected"),
    [
        ("qwen2", TEMPLATE, {"added_tokens_decoder": ADDED}, {"eos_token_id": 1}, "<|im_end|>"),
        ("qwen2", TEMPLATE, {"added_tokens_decoder": ADDED}, {"eos_token_id": [1, 2]}, None),
        ("qwen2", TEMPLATE, {"added_tokens_decoder": ADDED, "eos_token": "<|im_end|>"}, {"eos_token_id": 1}, None),
        ("qwen2", TEMPLATE, {}, {"eos_token_id": 1}, None),
        ("qwen2", TEMPLATE, {"added_tokens_decoder": ADDED}, {}, None),
        ("qwen2", "no such token", {"added_tokens_decoder": ADDED}, {"eos_token_id": 1}, None),
        ("unheard-of", TEMPLATE, {"added_tokens_decoder": ADDED}, {"eos_token_id": 1}, None),
        ("qwen2", TEMPLATE, {"added_tokens_decoder": {"1": 7}}, {"eos_token_id": 1}, None),
    ],
)
def test_unstopped_turn(
    model_type: str, template: str, tokenizer: dict[str, Any], generation: dict[str, Any], expected: str | None
) -> None:
    assert unstopped_turn(family_of(model_type), template, tokenizer, generation) == expected
