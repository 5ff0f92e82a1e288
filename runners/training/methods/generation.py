"""What the methods share that learn from replies they generate themselves."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.training.loading import TunedModel
from tunewright.runners.training.methods.method import Row
from tunewright.runners.training.rewards.payment import load_rewards
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.formats import normal_row

#: The reward of the first and of the last step that was logged, and how long replies have become.
REWARD_FIGURES: Mapping[str, tuple[str, int]] = {
    "reward_first": ("reward", 0),
    "reward_last": ("reward", -1),
    "reply_tokens": ("completions/mean_length", -1),
}


def prompt_rows(row: Row, form: str, _settings: TrainSettings) -> Iterator[Row]:
    """Yield the prompt, and the other columns as JSON: rewards find them as they were written, whatever rows differ."""
    normal = normal_row(row, form)
    yield {"prompt": normal.pop("prompt"), "row": json.dumps(normal)}


def prompts_that_fit(rows: list[Row], tokenizer: Any, settings: TrainSettings) -> list[Row]:
    """Leave out prompts that leave no room for the longest reply within `max_length`."""
    room = settings.max_length - int(settings.options["max_completion_length"])

    def tokens(row: Row) -> int:
        encoded = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)
        return len(encoded["input_ids"])

    return [row for row in rows if tokens(row) <= room]


def generation_arguments(settings: TrainSettings, shared: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that TRL's generating trainers share; a batch counts replies."""
    options = settings.options
    own = {key: value for key, value in shared.items() if key != "max_length"}
    return own | {
        "per_device_eval_batch_size": options["num_generations"],
        "max_completion_length": options["max_completion_length"],
        "temperature": options["temperature"],
        "num_generations": options["num_generations"],
        "num_iterations": options["num_iterations"],
        "beta": options["beta"],
        "epsilon": options["epsilon"],
        "reward_weights": [float(reward["weight"]) for reward in options["rewards"]],
    }


def rewarded(_tuned: TunedModel, settings: TrainSettings, inputs: Mapping[str, Input]) -> dict[str, Any]:
    """Return the trainer's reward functions."""
    return {"reward_funcs": load_rewards(settings, inputs)}
