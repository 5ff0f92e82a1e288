"""The VS Code extension: its generated files are current, and its own tests pass against this Tunewright."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"


def test_generated_files_are_current() -> None:
    wanted = runpy.run_path(str(ROOT / "scripts" / "gen_editors.py"))["texts"]()
    stale = [str(path.relative_to(ROOT)) for path, text in wanted.items() if path.read_text(encoding="utf-8") != text]

    assert stale == [], "write them anew: python -P scripts/gen_editors.py"


@pytest.mark.slow  # and needs Node
def test_its_own_tests_pass() -> None:
    tests = sorted(str(path) for path in (EXTENSION / "test").glob("*.test.js"))
    environment = {**os.environ, "TUNEWRIGHT": str(Path(sys.executable).with_name("tunewright"))}
    done = subprocess.run(
        ["node", "--test", *tests], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout
