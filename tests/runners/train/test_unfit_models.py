"""A base model that only shows at load what is wrong with it: said in a sentence, before anything learns."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train


def edited(name: str, **changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        kept = {key: value for key, value in {**content, **changes}.items() if value is not None}
        (folder / name).write_text(json.dumps(kept))

    return change


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def emptied(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def garbled(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": ')


@pytest.mark.parametrize(
    ("damage", "reason", "said"),
    [
        (edited("tokenizer_config.json", eos_token=None), "EOS_MISSING", "no end-of-sequence token"),
        (edited("config.json", vocab_size=100), "VOCABULARY_MISMATCH", "and the base model knows 100 tokens"),
        (edited("config.json", vocab_size=2048), "MODEL_UNREADABLE", "other shapes than its config.json says"),
        (cut, "MODEL_UNREADABLE", "does not load"),
        (emptied, "MODEL_UNREADABLE", "does not load"),
        (pickled, "MODEL_UNREADABLE", "no file named model.safetensors"),
        (garbled, "MODEL_UNREADABLE", "the tokenizer does not load"),
    ],
    ids=["no-end", "few-rows", "other-shapes", "cut", "empty", "pickled", "tokenizer"],
)
def test_what_does_not_fit_is_said_before_anything_learns(
    trainer: Any, nursery: Any, tmp_path: Path, damage: Callable[[Path], None], reason: str, said: str
) -> None:
    model = shutil.copytree(trainer.model, tmp_path / "model")
    damage(model)
    failed = nursery.run(trainer.bundle(reason.lower(), model=model))
    assert failed.reason == reason
    assert said in failed.of("failure")[0]["message"]
    assert "Traceback" not in failed.stderr
    assert not failed.losses


def test_a_base_model_that_is_taken_away_is_missed_by_name(
    trainer: Any, nursery: Any, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    model = shutil.copytree(trainer.model, tmp_path / "model")
    bundle = trainer.bundle("gone", {"save_steps": 2, "max_steps": 8}, model=model)
    pids = nursery.start(bundle)
    wait_for(lambda: list((bundle / "work" / "checkpoints").glob("checkpoint-*")))
    shutil.rmtree(model)
    failed = nursery.finish(bundle, pids)
    assert failed.reason == "MODEL_GONE"
    assert str(model) in failed.of("failure")[0]["message"]
    assert list((bundle / "work" / "checkpoints").glob("checkpoint-*"))
