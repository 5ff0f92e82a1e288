"""Pre-training, the losses of supervised training, reward models, and every loss of preference pairs."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.train

LOSSES: dict[str, dict[str, Any]] = {
    "hinge": {},
    "ipo": {},
    "robust": {"label_smoothing": 0.1},
    "exo_pair": {"label_smoothing": 1e-3},
    "nca_pair": {},
    "sppo_hard": {},
    "aot": {},
    "aot_unpaired": {},
    "apo_zero": {},
    "apo_down": {},
    "sigmoid_norm": {},
    "sigmoid": {"sft_weight": 0.5},
}


def turns(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]}


CALL = {"type": "function", "function": {"name": "route", "arguments": '{"ticket": 3}'}}
TOOLS = [{"type": "function", "function": {"name": "route", "parameters": {"type": "object"}}}]
WITH_TOOLS = {
    "messages": [
        {"role": "user", "content": "open ticket number 3"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "team billing"},
        {"role": "assistant", "content": "team billing, priority high."},
    ],
    "tools": TOOLS,
}
SAID = {"messages": [{**WITH_TOOLS["messages"][0]}, {**WITH_TOOLS["messages"][3]}]}


@pytest.fixture(scope="module")
def runs(trainer: Any, parts: Any) -> dict[str, Any]:
    """Everything that needs no adapter before it, trained in one process."""
    text = {"data": {"rows": {"format": "text"}}, "loss_on": "all", "method": "pretrain"}
    one_step = {"max_steps": 1, "per_device_train_batch_size": 6}
    packed = {"packing": True, "max_length": 128}
    long = [turns("open ticket number 1", "team billing.", "and ticket number 2?", "team network.")] * 16
    deep = {"max_steps": 2, "max_length": 256}
    pairs = {**parts["preferences"], "max_steps": 4}
    bundles = {
        "pretrain": trainer.bundle("pretrain", text, packed, {"options": {"packing_strategy": "bfd_split"}}),
        "wrapped": trainer.bundle(
            "wrapped", text, packed, {"options": {"packing_strategy": "wrapped"}, "max_steps": 1}
        ),
        "apart": trainer.bundle("apart", one_step, {"loss_on": "all"}, rows=long[:6]),
        "packed": trainer.bundle("packed", one_step, packed, {"loss_on": "all"}, rows=long[:6]),
        "turns": trainer.bundle("turns", {"loss_on": "replies"}, rows=long),
        "tools": trainer.bundle("tools", deep, rows=[WITH_TOOLS, turns("ticket 1", "team billing.")] * 8),
        "no-tools": trainer.bundle("no-tools", deep, rows=[SAID, turns("ticket 1", "team billing.")] * 8),
        "reward": trainer.bundle("reward", pairs, {"method": "reward"}),
        "reward-full": trainer.bundle("reward-full", pairs, {"method": "reward"}, parts["full"]),
        "cpo": trainer.bundle("cpo", pairs, {"method": "cpo"}),
        "simpo": trainer.bundle("simpo", pairs, {"method": "simpo"}),
        **{
            f"dpo-{loss}": trainer.bundle(
                f"dpo-{loss}", pairs, {"method": "dpo", "options": {"loss_type": loss, **options}}
            )
            for loss, options in LOSSES.items()
        },
    }
    return dict(zip(bundles, trainer.run_together(*bundles.values()), strict=True))


def test_pretraining_reads_packed_documents(runs: dict[str, Any]) -> None:
    summary = runs["pretrain"].summary
    assert summary["loss_last"] < summary["loss_first"] - 0.5
    assert runs["wrapped"].summary["loss_first"] > 0


def test_packed_rows_do_not_see_each_other(runs: dict[str, Any]) -> None:
    """The same six rows in two sequences or in six have the same loss: no token sees another row's."""
    assert runs["packed"].summary["loss_first"] == pytest.approx(runs["apart"].summary["loss_first"], abs=2e-3)
    assert runs["packed"].summary["tokens"] == runs["apart"].summary["tokens"]


def test_loss_on_every_turn_of_the_assistant(runs: dict[str, Any]) -> None:
    assert runs["turns"].summary["loss_last"] < runs["turns"].summary["loss_first"] - 0.5


def test_tool_calls_reach_the_template(runs: dict[str, Any]) -> None:
    assert runs["tools"].summary["loss_last"] < runs["tools"].summary["loss_first"]
    assert runs["tools"].summary["tokens"] > runs["no-tools"].summary["tokens"] + 16 * 40


@pytest.mark.parametrize("name", ["reward", "reward-full"])
def test_a_reward_model_tells_the_better_reply(runs: dict[str, Any], name: str) -> None:
    summary = runs[name].summary
    assert summary["loss_last"] < summary["loss_first"] - 0.05
    assert summary["reward_accuracy"] == 1.0
    left = {path.name for path in runs[name].outputs.iterdir()}
    if "adapter_config.json" in left:
        assert json.loads((runs[name].outputs / "adapter_config.json").read_text())["task_type"] == "SEQ_CLS"
    else:
        config = json.loads((runs[name].outputs / "config.json").read_text())
        assert config["architectures"] == ["LlamaForSequenceClassification"]


@pytest.mark.parametrize("name", ["cpo", "simpo", *(f"dpo-{loss}" for loss in LOSSES)])
def test_every_loss_of_pairs_falls_and_prefers_the_better_reply(runs: dict[str, Any], name: str) -> None:
    summary = runs[name].summary
    assert summary["loss_last"] < summary["loss_first"]
    assert summary["reward_margin"] > 0
