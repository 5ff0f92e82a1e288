"""A loss of somebody else's package, installed for real, is what a training follows."""

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train


def test_loss_of_a_package_takes_the_place_of_the_method_s_own(trainer: Any, plugged_environment: Path) -> None:
    steps = {"max_steps": 2}
    before, trainer.python = trainer.python, str(plugged_environment / "bin" / "python")
    try:
        own = trainer.run("own-loss", steps)
        halved = trainer.run("halved-loss", steps, {"options": {"loss": "acme.halved"}})
        broken = trainer.run("broken-loss", steps, {"options": {"loss": "acme.broken"}})
    finally:
        trainer.python = before
    assert (own.code, halved.code) == (0, 0), halved.stderr
    assert halved.losses[0] == pytest.approx(own.losses[0] / 2, rel=1e-2)
    assert (broken.code, broken.reason) == (1, "PLUG_IN_FAILED")
    assert re.search(r"the loss `acme.broken` stopped at /\S+/acme_tunewright.py:\d+: \w+Error: ", broken.stderr)
    assert "Traceback" in broken.stderr
    missing = trainer.run("missing-loss", steps, {"options": {"loss": "acme.halved"}})
    assert (missing.code, missing.reason) == (69, "PLUG_IN_MISSING")
