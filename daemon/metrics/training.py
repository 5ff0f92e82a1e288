"""What trainings that run now have said last."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tunewright.daemon.metrics.readings import ActiveStep


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReading:
    """A training and its newest figures by name; `training_step` counts its updates."""

    of: ActiveStep
    training_step: int | None
    values: Mapping[str, float]


def newest_figures(of: ActiveStep, bodies: Iterable[str]) -> TrainingReading:
    """Return what points of a training say, given the newest one first: not every point holds every figure."""
    step: int | None = None
    values: dict[str, float] = {}
    for body in bodies:
        point = json.loads(body)
        said, own = point.get("step"), point.get("values")
        if step is None and isinstance(said, int):
            step = said
        for name, value in own.items() if isinstance(own, dict) else ():
            if (number := _number(value)) is not None:
                values.setdefault(name, number)
    return TrainingReading(of=of, training_step=step, values=values)


def _number(value: object) -> float | None:
    """A loss that is no number any more is stored as a word, and is worth seeing."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if value in ("nan", "inf", "-inf") and isinstance(value, str) else None
