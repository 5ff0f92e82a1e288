"""The hook, run by the real pre-commit in a repository of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import tunewright

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])

SOUND = "api_version: tunewright/v1\nname: x\nbase: {model: 'hf://Qwen/Qwen2.5-0.5B-Instruct@" + "7" * 40 + "'}\n"
STEPS = """\
resources: {accelerator: a100-80gb}
data: {rows: {source: 'hf://datasets/some/rows'}}
steps:
  sft: {train: {method: sft, data: rows, tuner: lora}}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that uses the hook that needs no installation, from a repository that holds our definition."""
    hooks, project = tmp_path / "hooks", tmp_path / "project"
    for folder in (hooks, project):
        folder.mkdir()
        git(folder, "init", "--quiet")
    (hooks / HOOKS.name).write_bytes(HOOKS.read_bytes())
    git(hooks, "add", ".")
    git(hooks, "commit", "--quiet", "-m", "Hooks")
    revision = git(hooks, "rev-parse", "HEAD").stdout.strip()
    wanted = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": "tunewright-check-system"}]}]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(wanted))
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "tunewright"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m tunewright "$@"\n')
    program.chmod(0o755)
    return project


def git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True)


def pre_commit(repository: Path) -> "subprocess.CompletedProcess[str]":
    git(repository, "add", ".")
    own = {
        "PATH": f"{repository.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(repository.parent / "store"),
        "PYTHONPATH": PACKAGE_ROOT,
        "TUNEWRIGHT_HOME": str(repository.parent / "home"),
        "TUNEWRIGHT_CACHE": str(repository.parent / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "pre_commit", "run", "--all-files", "--color", "never"],
        cwd=repository,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_hook_looks_at_specs_and_at_nothing_else(repository: Path) -> None:
    (repository / "other.yaml").write_text("api_version: tunewright/v1\nnonsense: 1\n")
    skipped = pre_commit(repository)
    assert skipped.returncode == 0, skipped.stdout + skipped.stderr
    assert "Skipped" in skipped.stdout
    spec = repository / "team" / "life.yaml"
    spec.parent.mkdir()
    spec.write_text(SOUND + STEPS)
    passed = pre_commit(repository)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout
    spec.write_text(SOUND + STEPS.replace("method", "metod"))
    failed = pre_commit(repository)
    assert failed.returncode == 1
    assert "team/life.yaml:7:17: error[TW1003]" in failed.stdout


def test_both_hooks_run_the_same() -> None:
    hooks = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert [hook["language"] for hook in hooks] == ["python", "system"]
    assert len({hook["entry"] for hook in hooks}) == len({hook["files"] for hook in hooks}) == 1
