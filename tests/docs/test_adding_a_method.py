"""The walk-through is true: done to a copy of the sources, it makes a method that compiles, and trains."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contributing" / "adding-a-method.md"
BLOCK = re.compile(
    r"^```\w+ file=(?P<file>\S+) (?:new|before=\"(?P<mark>(?:[^\"\\]|\\.)*)\")\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COPIED = (
    "spec",
    "compiler",
    "runners",
    "proto",
    "tests/runners",
    "tests/conftest.py",
    "src/tunewright",
    "pyproject.toml",
)
SPEC = """
api_version: tunewright/v1
name: added
base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct"}
data: {rows: {source: "file:rows.jsonl", format: messages}}
steps:
  learn:
    train: {method: weighted, data: rows, sft_weight: %s}
"""


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
        if block["mark"] is None:
            path.write_text(block["text"], encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
            at = text.index("\n" + block["mark"].replace('\\"', '"')) + 1
            path.write_text(text[:at] + block["text"] + text[at:], encoding="utf-8")
        touched.add(block["file"])
    return copy, touched


def run(copy: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), **variables}
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_method_is_an_entry_a_file_and_a_case(changed: tuple[Path, set[str]]) -> None:
    assert changed[1] == {
        "spec/methods.py",
        "runners/training/methods/weighted.py",
        "tests/runners/train/test_weighted.py",
    }


@pytest.mark.parametrize(("weight", "code"), [("0.5", None), ("4", "TW3040")])
def test_the_compiler_knows_the_new_method(changed: tuple[Path, set[str]], weight: str, code: str | None) -> None:
    copy, _ = changed
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from tunewright.compiler.front import compile_text\n"
        "done = compile_text(sys.argv[1], name='life.yaml', base_directory=Path(sys.argv[2]), variables={})\n"
        "trains = done.resolved.trains() if done.resolved else ()\n"
        "print(json.dumps([[item.code for item in done.diagnostics], [train.options for _, train in trains]]))\n"
    )
    done = run(copy, "-c", script, SPEC % weight, str(copy))
    assert done.returncode == 0, done.stderr
    codes, options = json.loads(done.stdout)
    assert ("TW3040" in codes) == (code is not None)
    assert options == [{"sft_weight": float(weight)}]


@pytest.mark.train
def test_the_new_method_trains(changed: tuple[Path, set[str]], train_python: str) -> None:
    copy, _ = changed
    test = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/runners/train/test_weighted.py")
    done = run(copy, *test, TUNEWRIGHT_TRAIN_PYTHON=train_python)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b1 passed", done.stdout)
