"""Write docs/rules.md: every mistake of the catalogue with what becomes of it, and every code with its rule."""

import sys
from collections import Counter
from pathlib import Path

import yaml

from tunewright.compiler.rules import explanation
from tunewright.compiler.rules.rule import Rule
from tunewright.spec.codes import CODES, Code

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "docs" / "rules" / "catalogue.yaml"
TARGET = ROOT / "docs" / "rules.md"

SECTIONS = {
    "shape": "What is written",
    "model": "The model",
    "tuner": "Tuners, quantisation, number formats",
    "data": "Data",
    "parallel": "Parallelism and machines",
    "preferences": "Preferences and reinforcement",
    "resume": "Checkpoints and resuming",
    "release": "Exports, exams, services",
}
STATUS = {"codes": "found", "by_design": "designed away", "later": "later"}
FAMILIES = {
    "0": "syntax",
    "1": "shape",
    "2": "references and data",
    "3": "training and parallelism",
    "4": "evaluation and gates",
    "5": "export",
    "6": "serving",
    "7": "governance",
    "8": "environment and runners",
    "9": "internal",
}

HEAD = """\
# Rules

Written by `scripts/gen_rules.py` from `docs/rules/catalogue.yaml` and from the rules themselves.

The first part lists mistakes that users of fine-tuning frameworks make, and what becomes of each: a rule finds it
before anything starts, the language or a runner makes it impossible, or it is left for later. The second part lists
every code; `tunewright explain CODE` has an example of each that is wrong and one that is right.
"""

Row = dict[str, object]


def catalogue() -> dict[str, dict[str, Row]]:
    """Return the catalogue by section and id."""
    sections: dict[str, dict[str, Row]] = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return sections


def status_of(row: Row) -> str:
    """Return which of `codes`, `by_design`, `later` a row has; raise ValueError for none or several."""
    (status,) = [key for key in STATUS if key in row]
    return status


def document() -> str:
    """Return the whole document."""
    sections = catalogue()
    counts = Counter(status_of(row) for rows in sections.values() for row in rows.values())
    parts = [HEAD, "| | |\n|---|---|"]
    parts += [f"| {word} | {counts[key]} |" for key, word in STATUS.items()]
    parts += [f"| together | {counts.total()} |", "", "## Mistakes"]
    for key, title in SECTIONS.items():
        parts += ["", f"### {title}", "", "| id | mistake | | how |", "|---|---|---|---|"]
        parts += [_row(name, row) for name, row in sections[key].items()]
    parts += ["", "## Codes", "", "| code | name | severity | family | needs | why |", "|---|---|---|---|---|---|"]
    parts += [_code(code) for code in CODES.values()]
    return "\n".join(parts) + "\n"


def _row(name: str, row: Row) -> str:
    status = status_of(row)
    value = row[status]
    how = ", ".join(f"{code} `{CODES[code].name}`" for code in value) if isinstance(value, list) else str(value)
    return f"| {name} | {row['what']} | {STATUS[status]} | {how} |"


def _code(code: Code) -> str:
    rule = explanation(code.code)
    assert isinstance(rule, Rule), code
    why = rule.why.replace("|", "\\|")
    return f"| {code.code} | `{code.name}` | {code.severity} | {FAMILIES[code.code[2]]} | {rule.phase} | {why} |"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if TARGET.read_text(encoding="utf-8") != document():
            sys.exit("docs/rules.md is out of date: run scripts/gen_rules.py")
    else:
        TARGET.write_text(document(), encoding="utf-8")
