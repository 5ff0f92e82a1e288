"""What the plan and the resolved values add to the text: lenses, hints, and the plan itself."""

from editing.marked import SAMPLE, Desk
from lsprotocol.types import Position, Range

from tunewright.client.lsp.code_lens import code_lenses, show_plan
from tunewright.client.lsp.inlay_hints import inlay_hints

EVERYWHERE = Range(Position(0, 0), Position(9999, 0))


def test_each_step_has_its_line_of_the_plan(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE, compile_it=True)
    lenses = {
        SAMPLE.split("\n")[lens.range.start.line].strip(): lens.command.title
        for lens in code_lenses(snapshot)
        if lens.command is not None
    }

    assert list(lenses) == ["sft:", "exam:", "line:", "serve:"]
    assert lenses["sft:"].startswith("train: 1 process, LoRA r16")
    assert "of 86 GB" in lenses["sft:"]


def test_the_plan_is_told_as_text(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE, compile_it=True)

    assert "memory (P95)" in (show_plan(snapshot, None) or "")
    assert "train_trl" in (show_plan(snapshot, "sft") or "")
    assert show_plan(snapshot, "nothing") is None


def test_without_a_plan_there_is_nothing_to_tell(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE.replace("data: rows", "data: nowhere"), compile_it=True)

    assert code_lenses(snapshot) == []
    assert show_plan(snapshot, None) is None


def test_hints_say_what_was_chosen_and_not_what_was_written(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE, compile_it=True)
    hints = {hint.position.line: hint for hint in inlay_hints(snapshot, EVERYWHERE)}

    assert str(hints[10].label).startswith("tuner.rank: 16, tuner.alpha: 32.0")
    assert hints[10].position.character == len(SAMPLE.split("\n")[10])
    assert "method" not in str(hints[10].label)
    assert "defaults version" in str(hints[10].tooltip)
    assert inlay_hints(snapshot, Range(Position(0, 0), Position(5, 0))) == []
