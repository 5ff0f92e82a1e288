"""The rewards of a step together: what each reply is paid, as the trainers ask for it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.rewards.functions import RewardFunction, reward_function
from tunewright.runners.training.rewards.scorer import Scorer, load_scorer
from tunewright.runners.training.settings import TrainSettings

#: What trainers call by name: `prompts` and `completions` (lists of messages), `row` (the other columns as JSON).
RewardBatch = Callable[..., list[float]]


def load_rewards(settings: TrainSettings, inputs: Mapping[str, Input]) -> list[RewardBatch]:
    """Return the rewards of a step in their order; raise StepFailedError where a package or model is missing."""
    functions: list[RewardBatch] = []
    for index, reward in enumerate(settings.options["rewards"]):
        if "model" in reward:
            model, adapter = (inputs.get(f"rewards.{index}.{part}") for part in ("model", "adapter"))
            if model is None:
                raise StepFailedError(
                    f"the step has no input `rewards.{index}.model`", reason="INPUT_MISSING", help="plan again"
                )
            scorer = load_scorer(Path(model.path), Path(adapter.path) if adapter else None, settings)
            functions.append(_judged(scorer, name=f"reward_{index}"))
        else:
            functions.append(_counted(reward_function(reward["name"], reward["options"]), name=reward["name"]))
    return functions


def _judged(scorer: Scorer, *, name: str) -> RewardBatch:
    def batch(prompts: list[Any], completions: list[Any], **_: Any) -> list[float]:
        return scorer.scores([[*prompt, *reply] for prompt, reply in zip(prompts, completions, strict=True)])

    batch.__name__ = name
    return batch


def _counted(function: RewardFunction, *, name: str) -> RewardBatch:
    def batch(completions: list[Any], row: list[str], **_: Any) -> list[float]:
        rows = (json.loads(columns) for columns in row)
        return [
            _paid(function, text_of(reply), columns, name) for reply, columns in zip(completions, rows, strict=True)
        ]

    batch.__name__ = name
    return batch


def text_of(reply: Any) -> str:
    """Return what a generated reply says."""
    return reply if isinstance(reply, str) else "".join(turn.get("content") or "" for turn in reply)


def _paid(function: RewardFunction, reply: str, row: Mapping[str, Any], name: str) -> float:
    try:
        return float(function(reply, row))
    except KeyError as error:
        raise StepFailedError(
            f"the reward `{name}` looks for a column {error}, which the rows do not have",
            reason="REWARD_COLUMN_MISSING",
            help="write the column into every row, or name another one with `column`",
        ) from error
    except Exception as error:
        raise StepFailedError(
            f"the reward `{name}` failed on a reply: {type(error).__name__}: {error}",
            reason="REWARD_FAILED",
            help="the reward's code must take every text and return a number",
        ) from error
