"""docs/faults.md tells the truth: all faults are there, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = Path(__file__).parents[3] / "docs" / "faults.md"
_ROW = re.compile(r"^\| (\d+) \|[^|]+\|([^|]*)\|([^|]+)\|$", re.MULTILINE)
_NAMED = re.compile(r"`([\w./]+\.py)::(\w+)`")


@cache
def names_in(path: Path) -> frozenset[str]:
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def rows() -> list[tuple[int, str, str]]:
    found = _ROW.findall(PAGE.read_text())
    return [(int(number), outcome.strip(), tests.strip()) for number, outcome, tests in found]


def test_every_fault_has_its_row() -> None:
    numbers = [number for number, _, _ in rows()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 91


def test_every_row_names_a_test_that_exists_or_says_why_there_is_none() -> None:
    for number, outcome, tests in rows():
        named = _NAMED.findall(tests)
        if tests.startswith("not injected: "):
            assert not named, number
            continue
        assert named, f"fault {number} names no test"
        assert outcome, f"fault {number} has no outcome"
        for path, name in named:
            assert name in names_in((TESTS / path).resolve()), f"fault {number}: {path} has no {name}"


def test_most_faults_are_made_to_happen() -> None:
    assert sum(not tests.startswith("not injected") for _, _, tests in rows()) >= 75
