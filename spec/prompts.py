"""Prompt templates: instruction rows as plain text, for models that learn without a chat template.

Standard library only.
"""

import re
from collections.abc import Mapping
from typing import Any

#: Names of rows' columns that a template may hold.
PLACES = ("instruction", "input", "system")

#: Templates with a name: the text for rows with an `input`, and for rows without one. `alpaca` is the prompt that
#: Stanford's Alpaca was trained with, which its many descendants expect word for word.
NAMED: Mapping[str, tuple[str, str]] = {
    "alpaca": (
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n",
        "Below is an instruction that describes a task. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\n{instruction}\n\n### Response:\n",
    ),
}  # fmt: skip

_PLACE = re.compile(r"\{(\w+)\}")


def template_problem(template: str) -> str | None:
    """Say why a text is no template, or return None."""
    if template in NAMED:
        return None
    places = _PLACE.findall(template)
    if unknown := [place for place in places if place not in PLACES]:
        return f"`{{{unknown[0]}}}` is no column of instruction rows; there are {', '.join(PLACES)}"
    if "instruction" not in places:
        return f"it has no `{{instruction}}`, and is none of the named ones ({', '.join(NAMED)})"
    return None


def fill_template(template: str, row: Mapping[str, Any]) -> str:
    """Return the prompt of an instruction row; the template has no problem."""
    has_input = bool(str(row.get("input") or "").strip())
    text = NAMED[template][0 if has_input else 1] if template in NAMED else template
    return _PLACE.sub(lambda match: str(row.get(match[1]) or ""), text)
