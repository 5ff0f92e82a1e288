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

RUNNER = """
from tunewright.runners.sdk import Manifest, main
def work(step, bundle, report):
    import {package}
main(Manifest(name="needy", version="1", kinds=("needy",), environment="train"), work)
"""


@pytest.mark.parametrize("package", ["no_such_package", "json.no_such_part"])
def test_a_missing_package_names_the_environment_to_make(bench: Any, tmp_path: Path, package: str) -> None:
    bundle = bench.bundle(package, "needy", {}, {})
    command = [sys.executable, "-P", "-c", RUNNER.format(package=package), "run", str(bundle)]
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == contract.ExitCode.UNAVAILABLE
    lines = (bundle / contract.EVENTS).read_text().splitlines()
    (failure,) = [event for event in map(json.loads, lines) if event["kind"] == "failure"]
    assert failure["reason"] == "PACKAGE_MISSING"
    assert package in failure["message"]
    assert "tunewright env sync train" in failure["help"]
