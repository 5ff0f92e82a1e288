"""The walk-through is true: done to a copy of the sources, it makes a rule that works, and touches three files."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contributing" / "adding-a-rule.md"
BLOCK = re.compile(
    r"^(?P<fence>`{3,4})\w+ file=(?P<file>\S+) (?P<where>before|end)=\"(?P<mark>[^\"]*)\"\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
COPIED = (
    "spec",
    "compiler",
    "runners",
    "tests/compiler",
    "tests/hub",
    "tests/conftest.py",
    "src/tunewright",
    "pyproject.toml",
)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A copy of the sources with what the page says done to it, and the files that it touched."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    touched = set()
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        path = copy / block["file"]
        path.write_text(inserted(path.read_text(encoding="utf-8"), block), encoding="utf-8")
        touched.add(block["file"])
    return copy, touched


def inserted(text: str, block: "re.Match[str]") -> str:
    """Return a file with a block in its place: before the line that is named, or before the mark at the file's end."""
    if block["where"] == "before":
        at = text.index(f"\n{block['mark']}") + 1
    else:
        body = text.rstrip("\n")
        assert body.endswith(block["mark"])
        at = len(body) - len(block["mark"]) if block["mark"] else len(text)
    return text[:at] + block["text"] + text[at:]


def run(copy: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=copy,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(copy / "src"), "HOME": str(copy)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_rule_touches_three_files(changed: tuple[Path, set[str]]) -> None:
    assert changed[1] == {"spec/codes.py", "compiler/rules/governance.py", "tests/compiler/cases/governance.md"}


def test_the_new_rule_passes_the_tests_of_rules(changed: tuple[Path, set[str]]) -> None:
    copy, _ = changed
    done = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/compiler/rules", "tests/compiler/cases")
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b[1-9]\d* passed", done.stdout)


def test_the_new_rule_explains_itself(changed: tuple[Path, set[str]]) -> None:
    script = (
        "from tunewright.compiler.rules import explanation\n"
        "from tunewright.compiler.rules import RULES\n"
        "print(explanation('TW7099').why, len(RULES))"
    )
    done = run(changed[0], "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Who must agree within minutes")
