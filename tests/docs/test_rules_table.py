"""docs/rules.md is the catalogue and the codes as they are; what it says of a code is true of the code."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunewright.compiler.rules import explanation
from tunewright.spec.codes import CODES

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = DOCS.parent / "scripts" / "gen_rules.py"

#: How many rules each group of the catalogue has.
GROUPS = {"S": 16, "M": 19, "T": 35, "D": 20, "P": 25, "R": 16, "C": 10, "X": 16}
FEWEST_MET = 130


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    sections = yaml.safe_load((DOCS / "rules" / "catalogue.yaml").read_text(encoding="utf-8"))
    return {name: row for section in sections.values() for name, row in section.items()}


def test_every_rule_of_the_catalogue_is_answered_once(rows: dict[str, dict[str, Any]]) -> None:
    assert list(rows) == [f"{group}{number:02}" for group, count in GROUPS.items() for number in range(1, count + 1)]
    assert sum(GROUPS.values()) == 157
    for name, row in rows.items():
        assert set(row) - {"what"} in ({"codes"}, {"by_design"}, {"later"}), name
        assert row["what"], name


def test_most_are_found_or_designed_away(rows: dict[str, dict[str, Any]]) -> None:
    counts = Counter(key for row in rows.values() for key in row)
    assert counts["codes"] + counts["by_design"] >= FEWEST_MET


def test_codes_that_are_named_have_a_rule(rows: dict[str, dict[str, Any]]) -> None:
    named = {code for row in rows.values() for code in re.findall(r"TW\d{4}", str(row))}
    for row in rows.values():
        assert row.get("codes", ["any"]), row
    assert named <= set(CODES)
    assert all(explanation(code) for code in named)


def test_document_is_as_generated() -> None:
    generated: dict[str, Any] = {"__name__": "gen_rules", "__file__": str(SCRIPT)}
    exec(compile(SCRIPT.read_text(encoding="utf-8"), str(SCRIPT), "exec"), generated)  # noqa: S102 - our own script
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert text == generated["document"](), "run scripts/gen_rules.py"
    assert all(f"| {code} | `{row.name}` | {row.severity} |" in text for code, row in CODES.items())
