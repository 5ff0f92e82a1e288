"""The suite that anybody can point at a runner: it passes for ours and catches those that break the contract."""

import json
import os
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import tunewright
from tunewright.spec.methods import METHODS

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
WATCH = runpy.run_path(str(Path(__file__).parent / "train" / "shared" / "watching" / "healthy_curves.py"))["WATCH"]
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
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=580)


@dataclass(frozen=True)
class Work:
    """Real work for a runner, and the event after which it is at it for some more seconds."""

    kind: str
    models: dict[str, str]
    parameters: dict[str, object]
    rows: dict[str, list[dict[str, object]]]
    cancel_after: str

    def write(self, folder: Path) -> Path:
        """Write the template of a bundle."""
        inputs = folder / "inputs"
        inputs.mkdir(parents=True)
        paths = dict(self.models)
        for key, rows in self.rows.items():
            (inputs / f"{key}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            paths[key] = f"{{bundle}}/inputs/{key}.jsonl"
        step = {
            "kind": self.kind,
            "inputs": {key: {"path": path, "digest": "", "role": key.split(".")[0]} for key, path in paths.items()},
            "parameters": self.parameters,
            # Long enough for a start on a busy machine: what is still there after it is killed, and does not conform.
            "deadlines": {"grace_seconds": 120.0},
            "service": self.kind.startswith("serve."),
        }
        (folder / "step.json").write_text(json.dumps(step))
        return folder


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


def training(model: str) -> Work:
    parameters = {
        "method": "sft",
        "tuner": {"type": "lora", "rank": 4, "alpha": 8, "dropout": 0.0, "target_modules": "all-linear"},
        "learning_rate": 1e-3, "lr_scheduler_type": "constant", "warmup_ratio": 0.0, "num_train_epochs": 1,
        "max_steps": 100, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "max_length": 128,
        "packing": False, "loss_on": "completion", "weight_decay": 0.0, "max_grad_norm": 1.0, "optim": "adamw_torch",
        "seed": 7, "precision": "fp32", "gradient_checkpointing": False, "attention": "eager", "logging_steps": 1,
        "save_steps": None, "save_total_limit": 2, "parallelism": {"strategy": "single", "processes": 1},
        "device": "cpu", "threads": 1, "data": {"rows": {"format": "prompt_completion"}}, "evaluation_share": 0,
        "system_prompt": None, "options": dict(METHODS["sft"].options), "kernels": "plain",
        "train_sampling_strategy": "random", "watch": WATCH,
    }  # fmt: skip
    rows = [{"prompt": f"open ticket {n}", "completion": "team billing"} for n in range(200)]
    return Work("train.trl", {"model": model}, parameters, {"data.rows": rows}, cancel_after="metric")


def fetching(model: str) -> Work:
    return Work("fetch.model", {"weights": f"{model}.gguf"}, {"threads": 1}, {}, cancel_after="phase")


def evaluation(model: str) -> Work:
    parameters = {
        "suites": {"quiz": {"metric": "exact"}}, "max_new_tokens": 24, "temperature": 0, "batch_size": 1, "seed": 0,
        "precision": "fp32", "device": "cpu", "threads": 1, "system_prompt": None,
    }  # fmt: skip
    rows = [{"id": f"q{n}", "prompt": f"route ticket {n}", "expected": "never"} for n in range(40)]
    return Work("evaluate.suites", {"model": model}, parameters, {"suite.quiz": rows}, cancel_after="progress")


def exporting(model: str) -> Work:
    parameters = {
        "merge": True, "quantize": None, "max_shard_size_bytes": 10**9, "measure": {"limit": 200, "max_length": 128},
        "precision": "fp32", "device": "cpu", "threads": 1, "limits": {"perplexity_increase": None},
    }  # fmt: skip
    rows = [{"prompt": f"open ticket {n}", "completion": "team billing"} for n in range(200)]
    return Work("export.model", {"model": model}, parameters, {"calibration": rows}, cancel_after="progress")


def serving(model: str) -> Work:
    parameters = {
        "host": "127.0.0.1", "port": 0, "served_model_name": "tiny", "max_model_len": 128, "precision": "fp32",
        "device": "cpu", "threads": 1, "smoke_prompt": "route ticket 7", "system_prompt": None, "max_new_tokens": 8,
    }  # fmt: skip
    return Work("serve.embedded", {"model": model}, parameters, {}, cancel_after="started")


@pytest.fixture(scope="module")
def tiny_model(train_python: str, tiny_folder: Path) -> str:
    """The tiny model's folder; beside it lies the same model as a GGUF file."""
    script = str(Path(__file__).with_name("tiny_gguf.py"))
    command = [train_python, "-P", script, str(tiny_folder), f"{tiny_folder}.gguf"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return str(tiny_folder)


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "work"),
    [
        ("train_trl", training),
        ("fetch_model", fetching),
        ("evaluate_suites", evaluation),
        ("export_model", exporting),
        ("serve_embedded", serving),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_our_runners_conform_with_real_work(train_python, tiny_model, tmp_path, module, work):
    made = work(tiny_model)
    result = conform(
        "--runner", f"{train_python} -P -m tunewright.runners.{module}",
        "--bundle-template", str(made.write(tmp_path / "template")), "--cancel-after", made.cancel_after, "-ra",
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    assert "skipped" not in result.stdout
