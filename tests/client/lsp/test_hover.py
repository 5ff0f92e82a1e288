"""What is said about the thing under the cursor."""

import pytest
from editing.marked import SAMPLE, Desk
from lsprotocol.types import MarkupContent

from tunewright.client.lsp.hover import hover


def said(desk: Desk, marked: str) -> str:
    snapshot, place = desk.snapshot(marked, compile_it=True)
    found = hover(snapshot, place)
    assert found is None or isinstance(found.contents, MarkupContent)
    return found.contents.value if found is not None else ""


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("m¦ethod: sft", ["`method`", "supervised", "pretrain | sft"]),
        ("method: s¦ft", ["`sft`: Supervised: learn to give the replies of the rows."]),
        ("engine: v¦llm", ["`vllm`: "]),
        ("type: l¦ora", ["`lora`: "]),
        ("tu¦ner", ["Which weights learn", "`rank`", "`16`", "default: defaults version"]),
        ("s¦ft:\n", ["train", "LoRA r16", "expected:", "of 86 GB"]),
        ("model: s¦ft, suites", ["step whose model is measured", "LoRA r16"]),
        ("data: r¦ows", ["20 rows, messages"]),
        ("suites: [q¦uiz", ["20 rows"]),
        ("- exam.q¦uiz.exact", ["20 rows"]),
        ("- e¦xam.quiz.exact", ["evaluate"]),
        ("hf://Qwen/Qw¦en2.5", ["0.49 billion weights", "`q_proj`", "context of 32,768"]),
        ("r¦esources", ["The machine a plan is for"]),
    ],
)
def test_says_what_is_known(desk: Desk, at: str, words: list[str]) -> None:
    text = said(desk, SAMPLE.replace(at.replace("¦", ""), at, 1))

    assert [word for word in words if word not in text] == [], text


def test_explains_a_finding(desk: Desk) -> None:
    text = said(desk, SAMPLE.replace("data: rows", "data: ro¦ow"))

    assert "**TW2001** unknown-reference" in text


def test_explains_the_code_of_an_allowance(desk: Desk) -> None:
    assert "too-few-rows" in said(desk, SAMPLE + "allow:\n- {code: TW2¦015, reason: a sample}\n")


def test_says_nothing_between_things(desk: Desk) -> None:
    assert said(desk, SAMPLE + "\n\n¦\n") == ""


def test_what_users_write_is_not_markdown(desk: Desk) -> None:
    text = said(desk, SAMPLE.replace("rows: {source:", "rows: {limit: 1, sou¦rce:") + "# [x](command:evil)\n")

    assert "command:" not in text


def test_still_answers_while_the_text_is_broken(desk: Desk) -> None:
    whole, _ = desk.snapshot(SAMPLE, compile_it=True)
    broken = whole.with_text(SAMPLE + "  next\n", 2)
    found = hover(broken, broken.lines.position(SAMPLE.index("tuner") + 1))

    assert found is not None
    assert isinstance(found.contents, MarkupContent)
    assert "`16`" in found.contents.value
