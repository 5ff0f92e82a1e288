"""Case files are documents: prose, specs with `# error: TW1234` on the line that is wrong, drawings of what users see.

`pytest --update-golden` redraws the drawings.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunewright.compiler.front import Compilation
from tunewright.compiler.render.full import render_full
from tunewright.spec.codes import CODES

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```(?P<kind>yaml|text)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"# (error|warning): (TW\d{4})")


@dataclass(frozen=True)
class Case:
    """A spec of a case file; `drawing` is where the text drawn for it stands in the file, if there is one."""

    file: Path
    line: int
    spec: str
    drawing: tuple[int, int] | None

    @property
    def expected(self) -> set[tuple[int, str, str]]:
        """Line, severity and code of every finding that the comments announce."""
        lines = enumerate(self.spec.splitlines(), start=1)
        return {(number, severity, code) for number, line in lines for severity, code in EXPECTED.findall(line)}


def cases_of(file: Path) -> Iterator[Case]:
    """Yield the cases of a file; a drawing belongs to the spec before it."""
    text = file.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    for index, block in enumerate(blocks):
        if block["kind"] == "yaml":
            following = blocks[index + 1] if index + 1 < len(blocks) else None
            drawn = following is not None and following["kind"] == "text"
            yield Case(
                file=file,
                line=text.count("\n", 0, block.start()) + 2,
                spec=block["text"],
                drawing=following.span("text") if following is not None and drawn else None,
            )


CASES = [case for file in sorted(HERE.glob("*.md")) for case in cases_of(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}:{case.line}")
def test_findings(case: Case, compile_spec: Callable[..., Compilation]) -> None:
    findings = compile_spec(case.spec).diagnostics
    found = {(item.primary.span.begin.line, str(item.severity), item.code) for item in findings}
    assert found == case.expected, render_full(findings)


@pytest.mark.parametrize("file", sorted(HERE.glob("*.md")), ids=lambda file: file.stem)
def test_drawings(file: Path, compile_spec: Callable[..., Compilation], update_golden: bool) -> None:
    written = file.read_text(encoding="utf-8")
    redrawn = written
    for case in reversed([case for case in cases_of(file) if case.drawing]):
        assert case.drawing is not None
        start, end = case.drawing
        redrawn = redrawn[:start] + render_full(compile_spec(case.spec).diagnostics) + redrawn[end:]
    if update_golden:
        file.write_text(redrawn, encoding="utf-8")
        return
    assert redrawn == written


def test_every_family_has_a_case() -> None:
    shown = {code for case in CASES for _, _, code in case.expected}
    assert {code[2] for code in shown} == {code[2] for code in CODES} - {"9"}
