"""The train environment with one plug-in more, whose loss and reward strike when a test says so."""

import json
import shutil
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "plug_ins" / "faults" / "faults.py"
_ENTRY_POINTS = """\
[tunewright.losses]
faults.loss = faults:loss
[tunewright.rewards]
faults.reward = faults:reward
"""


def add_faults(cache: Path) -> None:
    """Install the plug-in into the thin environment that `env use train` has made under a cache."""
    (site,) = (cache / "environments" / "train-own").glob("lib/python3*/site-packages")
    shutil.copy(SOURCE, site)
    metadata = site / "faults-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: faults\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(_ENTRY_POINTS, encoding="utf-8")


def plan_faults(cache: Path, *faults: dict[str, Any]) -> None:
    """Say what strikes in the next trainings, none where nothing is given."""
    (cache / "faults.json").write_text(json.dumps(faults), encoding="utf-8")
