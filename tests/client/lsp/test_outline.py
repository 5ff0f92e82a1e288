"""The outline and the folds."""

from editing.marked import SAMPLE, Desk
from lsprotocol.types import FoldingRangeKind

from tunewright.client.lsp.folding import folding
from tunewright.client.lsp.symbols import symbols


def test_outline_has_sections_and_what_they_name(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE)
    found = {item.name: [(child.name, child.detail) for child in item.children or ()] for item in symbols(snapshot)}

    assert list(found) == ["api_version", "name", "base", "data", "suites", "resources", "steps"]
    assert found["steps"] == [("sft", "train"), ("exam", "evaluate"), ("line", "gate"), ("serve", "deploy")]
    assert found["data"] == [("rows", None)]


def test_every_symbol_holds_its_name(desk: Desk) -> None:
    snapshot, _ = desk.snapshot("a: &x {b: 1}\nsteps: {s: *x}\ndata: *x\n")
    for symbol in symbols(snapshot):
        for item in (symbol, *(symbol.children or ())):
            assert item.range.start <= item.selection_range.start
            assert item.selection_range.end <= item.range.end


def test_outline_without_the_broken_line(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE.replace("  exam:\n", "  exam\n"))
    steps = symbols(snapshot)[-1]

    assert [child.name for child in steps.children or ()] == ["sft", "line", "serve"]


def test_folds_follow_the_indentation_even_when_broken(desk: Desk) -> None:
    text = "# one\n# two\nsteps:\n  sft:\n    train:\n      method sft: {\n\n  exam: {}\nname: x\n"
    snapshot, _ = desk.snapshot(text)
    found = [(item.start_line, item.end_line, item.kind) for item in folding(snapshot)]

    assert found == [(0, 1, FoldingRangeKind.Comment), (2, 7, None), (3, 5, None), (4, 5, None)]
