"""Every tuner learns what it says and nothing else, and what it leaves answers as the trained model did."""

import json
import re
from typing import Any

import pytest

from tunewright.compiler.estimate.trained import trained_parameters
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTuner
from tunewright.runners.training.tuners.lisa import drawn_blocks
from tunewright.spec.tuners import TUNERS

pytestmark = pytest.mark.train

LINEARS = {"target_modules": "all-linear", "dropout": 0.0}
LOW = {"rank": 4, "alpha": 8, **LINEARS}

#: Tuner -> its parameters, its learning rate, which names what learns has.
CASES: dict[str, tuple[dict[str, Any], float, str]] = {
    "loraplus": ({**LOW, "options": {"ratio": 4.0}}, 5e-3, r"lora_[AB]"),
    "pissa": ({**LOW, "options": {"iterations": 4}}, 5e-3, r"lora_[AB]"),
    "longlora": ({**LOW, "options": {"groups": 4}}, 1e-2, r"lora_[AB]"),
    "freeze": ({"options": {"layers": [-1], "patterns": None}}, 3e-3, r"layers\.1\."),
    "galore": ({"rank": 8, "options": {"interval": 2, "scale": 1.0}}, 1e-3, r"."),
    "q_galore": ({"rank": 8, "options": {"interval": 2, "scale": 1.0}}, 1e-3, r"."),
    "lisa": ({"options": {"active_layers": 1, "interval": 4}}, 1e-3, r"."),
    "ia3": ({"target_modules": ["k_proj", "v_proj", "down_proj"]}, 5e-2, r"ia3_l"),
    "vera": ({"rank": 16, **LINEARS}, 5e-2, r"vera_lambda"),
    "oft": ({**LINEARS, "options": {"block_size": 8}}, 1e-2, r"oft_R"),
    "loha": (LOW, 1e-2, r"hada_"),
    "prompt": ({"options": {"num_virtual_tokens": 4}}, 5e-2, r"prompt_encoder"),
    "prefix": ({"options": {"num_virtual_tokens": 4}}, 5e-2, r"prompt_encoder"),
    "bottleneck": ({"rank": 8}, 5e-3, r"attachment\.(down|up)"),
    "reft": ({"rank": 4, "options": {"layers": None}}, 2e-2, r"attachment\.(rotation|source|bias)"),
}
STEPS = 4
TINY = ModelFacts(
    source="tiny",
    origin="folder",
    model_type="llama",
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=1024,
    tie_word_embeddings=True,
)


@pytest.fixture(scope="module")
def trials(trainer: Any) -> dict[str, dict[str, Any]]:
    """All cases, trained one after the other in one process."""
    bundles = {}
    for kind, (tuner, rate, _) in CASES.items():
        changes = {"tuner": {"type": kind, **tuner}, "learning_rate": rate, "max_steps": STEPS, "max_length": 64}
        bundles[kind] = trainer.bundle(f"tuner-{kind}", changes, {"kernels": "plain"})
    found: dict[str, dict[str, Any]] = trainer.trials(bundles)
    return found


def events(trial: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    lines = (trial["path"] / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


@pytest.mark.parametrize("kind", CASES)
def test_a_tuner_learns_what_it_says(trials: Any, kind: str) -> None:
    trial, (_, _, names) = trials[kind], CASES[kind]
    assert trial["code"] == 0, events(trial, "failure")
    (summary,) = [event["values"] for event in events(trial, "summary")]
    assert summary["loss_last"] < summary["loss_first"] - 0.01
    assert trial["learning"]
    assert all(re.search(names, name) for name in trial["learning"]), trial["learning"]


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "lisa"])
def test_as_many_parameters_learn_as_the_estimate_says(trials: Any, kind: str) -> None:
    written = CASES[kind][0]
    everything = written.get("target_modules") == "all-linear"
    targets = ("all-linear",) if everything else tuple(written.get("target_modules", ()))
    options = {
        key: tuple(value) if isinstance(value, list) else value for key, value in written.get("options", {}).items()
    }
    tuner = ResolvedTuner(type=kind, rank=written.get("rank", 0), target_modules=targets, options=options)
    (summary,) = [event["values"] for event in events(trials[kind], "summary")]
    assert summary["trainable_parameters"] == trained_parameters(tuner, TINY)


@pytest.mark.parametrize("kind", CASES)
def test_what_it_leaves_answers_as_the_trained_model_did(trials: Any, kind: str) -> None:
    trial = trials[kind]
    assert trial["reloaded"] < 1e-4
    assert trial["base"] > 1e-3
    if TUNERS[kind].engines:
        assert trial.get("merged", 0.0) < 1e-3


def test_blocks_that_rest_stay_as_they_were(trials: Any) -> None:
    assert all(name.startswith("model.layers.1.") for name in trials["freeze"]["changed"])
    (drawn,) = drawn_blocks(2, 1, seed=7, period=0)
    learned = {name.split(".")[2] for name in trials["lisa"]["changed"] if ".layers." in name}
    assert learned == {str(drawn)}
    assert "model.embed_tokens.weight" in trials["lisa"]["changed"]


def test_blocks_are_drawn_by_seed_and_period_alone() -> None:
    assert drawn_blocks(8, 3, 7, 2) == drawn_blocks(8, 3, 7, 2)
    assert {drawn_blocks(8, 3, 7, period) for period in range(6)} != {drawn_blocks(8, 3, 7, 0)}
    assert drawn_blocks(2, 5, 7, 0) == {0, 1}
