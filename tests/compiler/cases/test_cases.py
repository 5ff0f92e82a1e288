"""Case files are documents: prose, specs with `# error: TW1234` on the line that is wrong, drawings of what users see.

What a spec is compiled with stands in blocks in front of it: `policy`; `lock`, as what differs from the spec's own;
`machine`; `options` of the command. `pytest --update-golden` redraws the drawings.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import Accelerator, HardwareFacts
from tunewright.compiler.render.full import render_full
from tunewright.spec.codes import CODES
from tunewright.spec.source import SourceFile

Compile = Callable[..., Compilation]

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```(?P<kind>yaml|text|policy|lock|machine|options)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"# (error|warning): (TW\d{4})")

#: Codes that no document can show, and why.
WITHOUT_CASE = {
    "TW0003": "megabytes of text: test_bad_input.py",
    "TW0010": "bytes that are no text: test_world_rules.py",
    "TW2062": "a package in an environment: test_families.py",
    "TW2064": "rows counted with a real tokenizer: test_tokens.py",
    "TW9001": "a bug of ours: test_world_rules.py makes one",
}


@dataclass(frozen=True)
class Case:
    """A spec of a case file, and the blocks that it is compiled with, by kind.

    `drawing` is where the text drawn for it stands in the file, if there is one.
    """

    file: Path
    line: int
    spec: str
    beside: Mapping[str, str]
    drawing: tuple[int, int] | None

    @property
    def expected(self) -> set[tuple[int, str, str]]:
        """Line, severity and code of every finding that the comments announce; line 0 for what is beside the spec."""
        found = {(0, severity, code) for text in self.beside.values() for severity, code in EXPECTED.findall(text)}
        lines = enumerate(self.spec.splitlines(), start=1)
        return found | {(number, severity, code) for number, line in lines for severity, code in EXPECTED.findall(line)}

    def compiled(self, compile_spec: Compile) -> Compilation:
        """Compile the spec with what is beside it."""
        given: dict[str, Any] = {}
        words = shlex.split(self.beside.get("options", ""), comments=True)
        for option, value in zip(words[::2], words[1::2], strict=True):
            if option == "--set":
                given.setdefault("sets", []).append(value)
            else:
                given[option.removeprefix("--")] = value
        if "policy" in self.beside:
            given["policy"] = SourceFile("policy.yaml", self.beside["policy"])
        if "machine" in self.beside:
            machine = yaml.safe_load(self.beside["machine"])
            for key in ("secrets_known", "sinks_known"):
                known = machine.pop(key, None)
                given[key] = None if known is None else frozenset(known)
            if "accelerator" in machine:
                machine["accelerator"] = Accelerator(**machine["accelerator"])
            given["hardware"] = HardwareFacts(**{"cpu_cores": 4, "memory_bytes": 64 * 2**30, **machine})
        if "lock" in self.beside:
            own = compile_spec(self.spec, **given).plan
            assert own is not None
            lock = _patched(own.lock, yaml.safe_load(self.beside["lock"]))
            given["lock"] = SourceFile("life.lock", yaml.safe_dump(lock))
        return compile_spec(self.spec, **given)


def _patched(below: Any, above: Any) -> Any:
    """Return `below` as plain values, with `above` laid over it."""
    if not isinstance(below, Mapping):
        return list(below) if isinstance(below, tuple) else below
    plain = {key: _patched(value, {}) for key, value in below.items()}
    for key, value in above.items():
        plain[key] = _patched(plain[key], value) if isinstance(plain.get(key), dict) else value
    return plain


def cases_of(file: Path) -> Iterator[Case]:
    """Yield the cases of a file; a drawing belongs to the spec before it, any other block to the spec after it."""
    text = file.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    beside: dict[str, str] = {}
    for index, block in enumerate(blocks):
        if block["kind"] not in ("yaml", "text"):
            beside[block["kind"]] = block["text"]
        if block["kind"] == "yaml":
            following = blocks[index + 1] if index + 1 < len(blocks) else None
            drawn = following is not None and following["kind"] == "text"
            yield Case(
                file=file,
                line=text.count("\n", 0, block.start()) + 2,
                spec=block["text"],
                beside=beside,
                drawing=following.span("text") if following is not None and drawn else None,
            )
            beside = {}


CASES = [case for file in sorted(HERE.glob("*.md")) for case in cases_of(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}:{case.line}")
def test_findings(case: Case, compile_spec: Compile) -> None:
    findings = case.compiled(compile_spec).diagnostics
    found = {
        (item.primary.span.begin.line * (item.primary.span.source.name == "life.yaml"), str(item.severity), item.code)
        for item in findings
    }
    assert found == case.expected, render_full(findings)


@pytest.mark.parametrize("file", sorted(HERE.glob("*.md")), ids=lambda file: file.stem)
def test_drawings(file: Path, compile_spec: Compile, update_golden: bool) -> None:
    written = file.read_text(encoding="utf-8")
    redrawn = written
    for case in reversed([case for case in cases_of(file) if case.drawing]):
        assert case.drawing is not None
        start, end = case.drawing
        redrawn = redrawn[:start] + render_full(case.compiled(compile_spec).diagnostics) + redrawn[end:]
    if update_golden:
        file.write_text(redrawn, encoding="utf-8")
        return
    assert redrawn == written


def test_every_code_has_a_case_or_a_reason() -> None:
    shown = {code for case in CASES for _, _, code in case.expected}
    assert shown | set(WITHOUT_CASE) == set(CODES)
    assert not shown & set(WITHOUT_CASE)
