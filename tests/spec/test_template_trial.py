"""Chat templates of strangers: harmless ones pass, harmful ones are named with their line and end in time."""

import json
import time
from pathlib import Path

import pytest

from tunewright.spec.template_trial import find_hazard, templates_in

HARMLESS = {
    "turns": "{% for turn in messages %}{{ turn.role }}: {{ turn['content'] }}{{ eos_token }}\n{% endfor %}",
    "extensions": "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% break %}{% endfor %}",
    "refuses a system prompt": "{% if messages[0].role == 'system' %}{{ raise_exception('none') }}{% endif %}",
    "refuses all": "{{ raise_exception('never') }}",
    "undefined": "{% if tools is defined and tools %}{{ tools | tojson }}{% endif %}{{ nothing.at.all }}",
    "no Jinja": "{% if %}",
    "deep": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
}
HARMFUL = {
    "never ends": (
        "a\n\n{% for a in range(99999) %}{% for b in range(99999) %}{% set x = b %}{% endfor %}{% endfor %}",
        "line 3: it is not done after 2 s of processor time",
    ),
    "a number without an end": ("a\n{{ 10 ** (10 ** 10) }}", "line 2: "),
    "all memory": ("a\n{{ 'a' * 10**10 }}", "line 2: it wants more memory"),
    "endless output": (
        "a\n{% for a in range(99999) %}\n{{ messages[0].content * 99 }}{% endfor %}",
        "line 3: it makes more than 1 MiB of 4 short messages",
    ),
    "out of the sandbox": ("a\n\n\n{{ ''.__class__.__mro__[1].__subclasses__() }}", "line 4: it reaches for what no"),
    "out by a filter": ("{{ (messages | attr('__class__')).mro() }}", "line 1: it reaches for what no"),
    "megabytes": ("a" * (2**20 + 1), "it has more than 1 MiB"),
}


@pytest.mark.parametrize("template", HARMLESS.values(), ids=HARMLESS.keys())
def test_harmless_templates_pass(template: str) -> None:
    assert find_hazard(template) is None


@pytest.mark.parametrize(("template", "words"), HARMFUL.values(), ids=HARMFUL.keys())
def test_harmful_templates_are_named_with_their_line(template: str, words: str) -> None:
    began = time.monotonic()
    hazard = find_hazard(template)
    assert hazard is not None
    assert hazard.startswith(words)
    assert time.monotonic() - began < 60


def test_every_template_of_a_folder_is_found(tmp_path: Path) -> None:
    assert templates_in(tmp_path) == ()
    (tmp_path / "chat_template.jinja").write_text("one")
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "tools.jinja").write_text("two")
    (tmp_path / "chat_template.json").write_text("no JSON")
    named = [{"name": "default", "template": "three"}, {"name": "rag", "template": "four"}, "five", {"template": 6}]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert templates_in(tmp_path) == ("one", "two", "three", "four")
