"""The suite that anybody can point at a runner: it passes for ours and catches those that break the contract."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tunewright

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
WORK = [
    {"emit": {"kind": "phase", "name": "working"}},
    {"spawn_orphan": True},
    {"write": {"path": "outputs/model.bin", "text": "weights"}},
    {"emit": {"kind": "artifact", "role": "model", "path": "."}},
    {"sleep": 2},
]

GOOD = """
import json, os, sys, time
from pathlib import Path
match sys.argv[1:]:
    case ["describe"]:
        print(json.dumps({"name": "other", "version": "0", "kinds": ["other"], "contract_versions": [1],
                          "capabilities": [], "parameters_schema": {}}))
    case ["probe"]:
        print('{"ok": true}')
    case ["run", folder]:
        bundle = Path(folder)
        try:
            step = json.loads((bundle / "step.json").read_text())
            assert step["contract_version"] == 1 and step["kind"] == "other" and "inputs" in step
        except Exception as error:
            sys.exit(print(f"not a bundle: {error}", file=sys.stderr) or 64)
        if (bundle / "cancel").exists():
            sys.exit(130)
        sys.exit(0)
    case _:
        sys.exit(print("I am a runner.", file=sys.stderr) or 64)
"""

BREACHES = {
    'print(json.dumps({"name"': ('print(json.dumps({"nom"', "test_describe_is_a_manifest"),
    """print('{"ok": true}')""": ("raise OSError", "test_probe_says_whether_the_machine_is_fit"),
    '"I am a runner."': ("1 / 0", "test_without_a_verb_it_says_what_it_is"),
    'step["contract_version"] == 1 and ': ("", "test_another_contract_is_not_understood"),
    ' and step["kind"] == "other"': ("", "test_another_kind_is_not_understood"),
    "sys.exit(130)": ("sys.exit(0)", "test_a_cancel_before_the_start_is_heeded"),
    "or 64)\n        if": ("or 1)\n        if", "test_a_missing_bundle_is_not_understood"),
}


def conform(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "tunewright.runners.conformance", *options]
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def template(folder: Path, kind: str, script: list[dict[str, object]]) -> Path:
    folder.mkdir()
    (folder / "step.json").write_text(json.dumps({"kind": kind, "inputs": {}, "parameters": {"script": script}}))
    return folder


def test_the_fake_runner_conforms(tmp_path):
    runner = f"{sys.executable} -P -m tunewright.runners.fake"
    result = conform("--runner", runner, "--bundle-template", str(template(tmp_path / "t", "fake", WORK)), "-ra")
    assert result.returncode == 0, result.stdout
    assert "skipped" not in result.stdout


def test_the_suite_needs_no_options_but_the_environment(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": PACKAGE_ROOT,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TUNEWRIGHT_RUNNER": f"{sys.executable} -P -m tunewright.runners.fake",
    }
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "tunewright.runners.conformance",
    ]
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout
    assert "4 skipped" in result.stdout


def test_a_runner_that_shares_no_code_with_us_conforms(tmp_path):
    (tmp_path / "runner.py").write_text(GOOD)
    result = conform("--runner", f"{sys.executable} {tmp_path / 'runner.py'}")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_caught(tmp_path, breach):
    instead, test = BREACHES[breach]
    assert breach in GOOD
    (tmp_path / "runner.py").write_text(GOOD.replace(breach, instead))
    result = conform("--runner", f"{sys.executable} {tmp_path / 'runner.py'}", "-ra", "-k", test)
    assert result.returncode == 1
    assert test in result.stdout


def test_events_out_of_order_are_caught(tmp_path):
    script = [{"emit_raw": '{"seq": 9, "time": "2026-01-01T00:00:00Z", "kind": "phase", "name": "x"}\n'}]
    runner = f"{sys.executable} -P -m tunewright.runners.fake"
    result = conform(
        "--runner", runner, "--bundle-template", str(template(tmp_path / "t", "fake", script)), "-k", "events_in_order"
    )
    assert result.returncode == 1, result.stdout


@pytest.mark.train
@pytest.mark.parametrize("module", ["train_trl", "fetch_model", "evaluate_suites", "export_model", "serve_embedded"])
def test_our_heavy_runners_conform(train_python, module):
    result = conform("--runner", f"{train_python} -P -m tunewright.runners.{module}")
    assert result.returncode == 0, result.stdout
