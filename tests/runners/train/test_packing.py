"""Packed rows don't see each other, wherever the compiler lets rows be packed."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.facts.families import FAMILIES

pytestmark = pytest.mark.train

PROBE = Path(__file__).parent / "packed_rows.py"
PACKING = sorted(name for name, family in FAMILIES.items() if family.packs)


def test_a_changed_row_changes_nothing_in_the_next(train_python: str) -> None:
    command = [train_python, "-P", str(PROBE), *PACKING, "falcon"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])

    assert {key.split()[0] for key in found} == {*PACKING, "falcon"}
    leaks = {key: pair for key, pair in found.items() if max(pair) > 1e-5}
    assert set(leaks) == {"falcon eager", "falcon sdpa"}, "falcon shows that the probe would see it"


def test_packed_rows_have_the_loss_that_they_have_alone(trainer: Any) -> None:
    """One step over all rows: alone side by side, then several in one sequence."""
    one = {"max_steps": 1, "per_device_train_batch_size": 64, "tuner": {"type": "full"}, "learning_rate": 1e-3}
    alone = trainer.run("alone", one)
    packed = trainer.run("packed", {**one, "packing": True})

    assert packed.code == 0, packed.stderr[-2000:]
    assert packed.losses[0] == pytest.approx(alone.losses[0], rel=1e-5)
