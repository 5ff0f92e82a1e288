"""The VS Code extension: its generated files are current, and its own tests pass against this Tunewright."""

import hashlib
import os
import runpy
import shutil
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


@pytest.mark.slow  # and needs Node and npm
def test_it_uses_vs_code_and_the_client_as_their_types_say(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What is played in its own tests can't drift from what is there."""
    assert request.config.cache is not None
    lock = (EXTENSION / "package-lock.json").read_bytes()
    packages = Path(request.config.cache.mkdir(f"npm-vscode-{hashlib.sha256(lock).hexdigest()[:12]}"))
    for name in ("package.json", "package-lock.json"):
        shutil.copy2(EXTENSION / name, packages)
    if not (packages / "node_modules" / ".package-lock.json").exists():
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(install, cwd=packages, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    for name in ("package.json", "tsconfig.json"):
        shutil.copy2(EXTENSION / name, tmp_path)
    shutil.copytree(EXTENSION / "lib", tmp_path / "lib")
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--project", ".", "--preserveSymlinks"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
