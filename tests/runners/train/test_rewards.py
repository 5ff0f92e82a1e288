"""Methods that learn from rewards: replies that are paid for become more frequent."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tunewright

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])

pytestmark = pytest.mark.train

PROMPTS: dict[str, Any] = {
    "data": {"rows": {"format": "prompt"}},
    "loss_on": "all",
    "learning_rate": 2e-2,
    "per_device_train_batch_size": 32,
    "max_steps": 8,
    "max_length": 128,
}
SHORT = {"max_completion_length": 10, "temperature": 1.0}


def reward(name: str, weight: float = 1.0, **options: Any) -> dict[str, Any]:
    return {"name": name, "weight": weight, "options": options}


def paid(*rewards: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"options": {**SHORT, "rewards": list(rewards), **options}}


@pytest.fixture(scope="module")
def runs(trainer: Any, parts: Any) -> dict[str, Any]:
    """A model that names one of three teams, and what rewards make of it; all in one process."""
    speaker = trainer.bundle("speaker", parts["full"], {"learning_rate": 1e-2, "max_steps": 40, "num_train_epochs": 5})
    judge = trainer.bundle("judge", parts["preferences"], {"max_steps": 4, "method": "reward"})
    speaking = {"model": (speaker / "outputs", "model")}
    billing = paid(reward("contains", column="answer"), reward("length", 0.1, least=0, most=40))
    by_judge = paid({"model": "judge", "weight": 1.0}, beta=0.02)
    judging = {"rewards.0.model": (trainer.model, "model"), "rewards.0.adapter": (judge / "outputs", "adapter")}
    stranger = paid(reward("acme.politeness"))
    columnless = paid(reward("exact_match", column="solution"))
    bundles = {
        "speaker": speaker,
        "judge": judge,
        "grpo": trainer.bundle("grpo", PROMPTS, billing, {"method": "grpo"}, more_inputs=speaking),
        "rloo": trainer.bundle("rloo", PROMPTS, billing, {"method": "rloo"}, more_inputs=speaking),
        "judged": trainer.bundle("judged", PROMPTS, by_judge, {"method": "grpo"}, more_inputs={**speaking, **judging}),
        "ppo": trainer.bundle(
            "ppo",
            PROMPTS,
            {"options": {**billing["options"], "num_iterations": 2}, "method": "ppo", "max_steps": 16},
            {"evaluation_share": 0.1, "per_device_train_batch_size": 24},
            more_inputs=speaking,
        ),
        "gkd": trainer.bundle(
            "gkd",
            PROMPTS,
            parts["full"],
            {"options": SHORT, "method": "gkd", "learning_rate": 1e-2},
            more_inputs={"teacher.model": speaking["model"]},
        ),
        "stranger": trainer.bundle("stranger", PROMPTS, stranger, {"method": "grpo"}),
        "columnless": trainer.bundle("columnless", PROMPTS, columnless, {"method": "grpo"}),
    }
    return dict(zip(bundles, trainer.run_together(*bundles.values()), strict=True))


@pytest.mark.parametrize("name", ["grpo", "rloo"])
def test_what_is_paid_for_is_said_more_often(runs: dict[str, Any], name: str) -> None:
    summary = runs[name].summary
    assert summary["reward_last"] > summary["reward_first"] + 0.1
    assert summary["steps"] == 8
    assert summary["reply_tokens"] <= 10


def test_ppo_pays_with_an_eye_on_its_reference(runs: dict[str, Any]) -> None:
    summary = runs["ppo"].summary
    assert summary["reward_last"] > summary["reward_first"] + 0.1
    metrics = [event["values"] for event in runs["ppo"].of("metric") if "kl" in event["values"]]
    assert metrics[0]["kl"] == pytest.approx(0, abs=1e-4), "it starts as its reference"
    assert metrics[-1]["kl"] > 0.01
    assert not list(runs["ppo"].outputs.glob("**/value_head*")), "the value head is for training alone"


def test_the_arithmetic_of_ppo(train_python: str) -> None:
    script = Path(__file__).with_name("check_ppo_objective.py")
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [train_python, "-P", str(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_teacher_corrects_what_the_model_says(runs: dict[str, Any]) -> None:
    summary = runs["gkd"].summary
    assert summary["loss_last"] < summary["loss_first"] - 0.3


def test_a_trained_reward_model_judges(runs: dict[str, Any]) -> None:
    summary = runs["judged"].summary
    assert summary["reward_last"] > summary["reward_first"]


def test_a_reward_that_no_package_offers(runs: dict[str, Any]) -> None:
    assert runs["stranger"].code == 69
    assert runs["stranger"].reason == "PLUG_IN_MISSING"


def test_a_column_that_the_rows_lack(runs: dict[str, Any]) -> None:
    assert runs["columnless"].reason == "REWARD_COLUMN_MISSING"
