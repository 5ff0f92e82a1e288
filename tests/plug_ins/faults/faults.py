"""A loss and a reward that strike in the middle of a real training, when and how a file says.

The file is `faults.json` in TUNEWRIGHT_CACHE: `{"at": n, "do": word}` or a list of these; `at` counts the calls of one
process, one a step where steps are not accumulated.
"""

import itertools
import json
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_calls = itertools.count(1)
_held: list[Any] = []


def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Cross entropy, until a fault is due."""
    from torch.nn.functional import cross_entropy

    logits = outputs.logits[:, :-1].float()
    total = cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")
    mean = total / (num_items_in_batch or (labels[:, 1:] != -100).sum())
    return mean * _strike()


def reward(reply: str, _row: Mapping[str, Any]) -> float:
    """Pay for length, until a fault is due: from then on every reply is worth the same."""
    call = next(_calls)
    return 1.0 if any(fault["at"] <= call for fault in _faults()) else float(len(reply))


def _strike() -> float:
    """Do what is due now; return what the loss is multiplied by."""
    call, factor = next(_calls), 1.0
    for fault in _faults():
        if fault["at"] == call:
            factor *= _FAULTS[fault["do"]](fault) or 1.0
    return factor


def _faults() -> list[dict[str, Any]]:
    path = Path(os.environ["TUNEWRIGHT_CACHE"]) / "faults.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def _spike(_fault: Mapping[str, Any]) -> float:
    return 1000.0


def _hold(fault: Mapping[str, Any]) -> None:
    """Take memory and keep it: written, or the kernel would not give it."""
    import torch

    _held.append(torch.ones(int(fault["bytes"]), dtype=torch.uint8))


def _exhaust(_fault: Mapping[str, Any]) -> None:
    """Ask for more memory than a limit leaves."""
    import torch

    with Path("/proc/self/statm").open(encoding="ascii") as stream:
        taken = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 2**26, taken + 2**26))
    _held.append(torch.ones(2**30, dtype=torch.uint8))


def _exhaust_device(_fault: Mapping[str, Any]) -> None:
    """What torch raises when an accelerator's memory is used up."""
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1.50 GiB free")


def _fill_disk(fault: Mapping[str, Any]) -> None:
    """A limit on the size of a file stands for the disk: the writes after it are refused midway."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(fault["bytes"]), int(fault["bytes"])))


_FAULTS = {
    "spike": _spike,
    "hold": _hold,
    "exhaust": _exhaust,
    "exhaust_device": _exhaust_device,
    "fill_disk": _fill_disk,
}
