"""Adapters learn beside weights that were quantised before they came here, in each form that is read."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tunewright.spec.tuners import TUNERS

pytestmark = pytest.mark.train

WRITER = Path(__file__).parents[1] / "packed_weights.py"
LOW = {"rank": 4, "alpha": 8, "dropout": 0.0, "target_modules": "all-linear"}

#: What learns on which packed base: tuner, its learning rate, the base, its precision.
CASES: dict[str, tuple[dict[str, Any], float, str, str]] = {
    "lora": (LOW, 1e-2, "gptq-4", "fp32"),
    "rslora": (LOW, 5e-3, "gptq-3", "fp32"),
    "loraplus": ({**LOW, "options": {"ratio": 4.0}}, 5e-3, "gptq-8", "fp32"),
    "longlora": ({**LOW, "options": {"groups": 4}}, 1e-2, "awq-4", "bf16"),
    "ia3": ({"target_modules": ["k_proj", "v_proj", "down_proj"]}, 5e-2, "awq-4", "fp32"),
    "vera": ({"rank": 16, "dropout": 0.0, "target_modules": "all-linear"}, 5e-2, "compressed-tensors-4", "fp32"),
    "oft": ({"target_modules": "all-linear", "dropout": 0.0, "options": {"block_size": 8}}, 1e-2, "gptq-2", "fp32"),
    "prompt": ({"options": {"num_virtual_tokens": 4}}, 5e-2, "gptq-4", "fp32"),
    "prefix": ({"options": {"num_virtual_tokens": 4}}, 5e-2, "compressed-tensors-8", "fp32"),
}


@pytest.fixture(scope="module")
def trials(trainer: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All cases, trained one after the other in one process."""
    folder = tmp_path_factory.mktemp("packed")
    bases = sorted({base for _, _, base, _ in CASES.values()})
    command = [trainer.python, "-P", str(WRITER), str(trainer.model), str(folder), *bases]
    subprocess.run(command, check=True, capture_output=True)
    bundles = {}
    for kind, (tuner, rate, base, precision) in CASES.items():
        changes = {"tuner": {"type": kind, **tuner}, "learning_rate": rate, "precision": precision}
        settings = {"max_steps": 4, "max_length": 64, "kernels": "plain"}
        bundles[kind] = trainer.bundle(f"packed-{kind}", changes, settings, model=folder / base)
    found: dict[str, dict[str, Any]] = trainer.trials(bundles)
    return found


@pytest.mark.parametrize("kind", CASES)
def test_an_adapter_learns_beside_packed_weights(trials: Any, kind: str) -> None:
    trial = trials[kind]
    lines = [json.loads(line) for line in (trial["path"] / "events.jsonl").read_text().splitlines()]
    assert trial["code"] == 0, lines[-1]
    (summary,) = [event["values"] for event in lines if event["kind"] == "summary"]
    assert summary["loss_last"] < summary["loss_first"] - 0.01
    # Reloaded beside the packed base in fp32, and by the way of evaluations and services.
    tolerance = 1e-4 if CASES[kind][3] == "fp32" else 8e-2
    assert max(trial["reloaded"], trial.get("merged", 0.0)) < tolerance < trial["base"]


def test_these_are_the_tuners_that_learn_on_a_packed_base() -> None:
    assert set(CASES) == {name for name, tuner in TUNERS.items() if tuner.packed_base}
