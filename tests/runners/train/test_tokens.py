"""Tokens of rows are those that TRL makes; what is too long is treated as asked for, counted, and named by its line."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.placed import PlacedRow
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tokens import TokenCounts, tokenised

pytestmark = pytest.mark.train

PROBE = Path(__file__).parent / "tokens_of_rows.py"


def test_tokens_are_those_of_the_trainer(train_python: str, tiny_folder: Path, parameters: Any, tmp_path: Path) -> None:
    command = [train_python, "-P", str(PROBE), str(tiny_folder), json.dumps(parameters)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=dict(os.environ))
    found = json.loads(done.stdout.splitlines()[-1])

    assert len(found) == 4
    for name, (ours, theirs) in found.items():
        assert ours == theirs, name
        assert any(label != -100 for label in ours["labels"]), name


def counted(parameters: Any, **changes: Any) -> tuple[list[list[int]], TokenCounts]:
    """Rows of 4, 9 and 12 tokens, of which the last 3 are learned; the longest row may have 8."""
    settings = TrainSettings.from_parameters({**parameters, "max_length": 8, **changes})
    rows = [PlacedRow({"length": length}, f"a.jsonl:{line}") for line, length in enumerate((4, 9, 12), start=1)]
    counts = TokenCounts()

    def tokens_of(row: Any, *_: Any) -> dict[str, list[int]]:
        ids = list(range(row["length"]))
        return {"input_ids": ids, "labels": [-100] * (len(ids) - 3) + ids[-3:]}

    found = [row["input_ids"] for row in tokenised(rows, tokens_of, None, settings, counts)]
    return found, counts


def test_cut_at_the_end_leaves_out_rows_without_a_reply(parameters: Any) -> None:
    found, counts = counted(parameters)
    assert found == [list(range(4)), list(range(8))]
    assert (counts.cut, counts.nothing_to_learn, counts.longest) == (2, 1, 12)
    assert counts.figures()["cut_share"] == pytest.approx(2 / 3, abs=1e-5)
    assert [item["row"] for item in counts.named] == ["a.jsonl:2", "a.jsonl:3"]


def test_cut_at_the_start_keeps_replies(parameters: Any) -> None:
    found, counts = counted(parameters, truncation="start")
    assert found == [list(range(4)), list(range(1, 9)), list(range(4, 12))]
    assert (counts.rows, counts.cut, counts.nothing_to_learn) == (3, 2, 0)


def test_drop_leaves_long_rows_out(parameters: Any) -> None:
    found, counts = counted(parameters, truncation="drop")
    assert found == [list(range(4))]
    assert (counts.seen, counts.cut, counts.too_long) == (3, 0, 2)


def test_error_names_the_first_long_row(parameters: Any) -> None:
    with pytest.raises(StepFailedError, match=r"a\.jsonl:2: 9 tokens, and `max_length` is 8"):
        counted(parameters, truncation="error")


def test_tokens_made_ahead_are_learned_from_as_rows_are(trainer: Any, bench: Any) -> None:
    """The real step before, the real training after it: the same losses as when the training makes its own."""
    changes: dict[str, Any] = {"max_steps": 3, "evaluation_share": 0.1}
    rows = trainer.run("tokens_inside", changes)
    step = json.loads((rows.bundle / "step.json").read_text())
    inputs = {key: Path(item["path"]) for key, item in step["inputs"].items()}
    made = bench.bundle("tokens", "prepare.tokens", inputs, step["parameters"])
    done = bench.run("prepare_tokens", made)
    assert done.code == 0, done.stderr

    bundle = trainer.bundle("tokens_ahead", changes)
    step = json.loads((bundle / "step.json").read_text())
    del step["inputs"]["data.rows"]
    step["inputs"]["tokens"] = {"path": str(made / "outputs"), "digest": "sha256:" + "0" * 64, "role": "data"}
    (bundle / "step.json").write_text(json.dumps(step))
    ahead = trainer.finish(bundle, trainer.start(bundle))

    assert ahead.code == 0, ahead.stderr[-2000:]
    assert ahead.losses == rows.losses
    assert ahead.summary["evaluation_loss"] == rows.summary["evaluation_loss"]
    report = json.loads((made / "outputs" / "report.json").read_text())
    assert (report["train"]["rows"], report["held_out"]["rows"]) == (58, 6)
    (event,) = done.of("data_report")
    assert event["values"]["rows"] == 58
