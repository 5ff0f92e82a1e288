"""What a machine lacks is said as what to install, not as a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunewright
from tunewright.runners import contract
from tunewright.runners.environments.place import MARKER
from tunewright.runners.environments.repair import install_help

RUNNER = """
from tunewright.runners.sdk import Manifest, main
def work(step, bundle, report):
    import {package}
main(Manifest(name="needy", version="1", kinds=("needy",), environment="train", packages=({declared})), work)
"""


def ended(bench: Any, name: str, folder: Path, **words: str) -> tuple[int, dict[str, Any], str]:
    """Return exit code, `failure` event and stderr of a runner that needs a package."""
    bundle = bench.bundle(name, "needy", {}, {})
    command = [sys.executable, "-P", "-c", RUNNER.format(**words), "run", str(bundle)]
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    lines = (bundle / contract.EVENTS).read_text().splitlines()
    (failure,) = [event for event in map(json.loads, lines) if event["kind"] == "failure"]
    return done.returncode, failure, done.stderr


@pytest.mark.parametrize("package", ["no_such_package", "json.no_such_part"])
def test_a_missing_package_names_the_environment_to_make(bench: Any, tmp_path: Path, package: str) -> None:
    code, failure, _ = ended(bench, package, tmp_path, package=package, declared="")
    assert code == contract.ExitCode.UNAVAILABLE
    assert failure["reason"] == "PACKAGE_MISSING"
    assert package in failure["message"]
    assert "tunewright env sync train" in failure["help"]


def test_declared_packages_are_looked_for_before_anything_starts(bench: Any, tmp_path: Path) -> None:
    code, failure, stderr = ended(bench, "declared", tmp_path, package="json", declared="'json', 'no_a', 'no_b'")
    assert code == contract.ExitCode.UNAVAILABLE
    assert failure["message"].endswith(" lacks no_a, no_b")
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("source", "python"), [({"source": "/site/bin/python"}, "/site/bin/python"), ({}, sys.executable)]
)
def test_in_an_environment_the_exact_pin_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: dict[str, str], python: str
) -> None:
    (tmp_path / MARKER).write_text(json.dumps({"name": "train", **source}))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    told = install_help("train", ["peft", "PIL.Image", "megatron.core", "unheard_of"])
    assert told.startswith(f"install it there: `{python} -m pip install peft==")
    assert " pillow==" in told
    assert " megatron-core==" in told
    assert told.endswith(" unheard-of`")
