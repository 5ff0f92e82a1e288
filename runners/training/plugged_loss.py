"""The loss of another package in the place of a method's own."""

from collections.abc import Mapping
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.plug_ins import plug_in
from tunewright.runners.training.settings import TrainSettings


def plugged_loss(_tuned: Any, settings: TrainSettings, _inputs: Mapping[str, Input]) -> dict[str, Any]:
    """Return what the trainer is given: a package's loss is `(outputs, labels, num_items_in_batch) -> loss`."""
    name = settings.options.get("loss")
    return {"compute_loss_func": plug_in("loss", str(name))} if name else {}
