"""Defaults of the rewards of a training step."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.passes.provenance import Chooser
from tunewright.spec.model.reward import Reward
from tunewright.spec.rewards import REWARDS


def default_rewards(rewards: tuple[Reward, ...], chooser: Chooser) -> tuple[Mapping[str, Any], ...]:
    """Return each reward with `name` or `model`, `weight` and `options` explicit."""
    chooser.written("rewards")
    return tuple(_reward(reward, chooser.below("rewards").below(index)) for index, reward in enumerate(rewards))


def _reward(reward: Reward, chooser: Chooser) -> Mapping[str, Any]:
    weight = chooser.default("weight", reward.weight, 1.0)
    if reward.model is not None:
        return {"model": reward.model, "weight": weight}
    known = REWARDS.get(reward.name or "")
    if known is None:
        return {"name": reward.name, "weight": weight, "options": dict(reward.options or {})}
    options = {
        key: chooser.optional(key, getattr(reward, key))
        if default is None
        else chooser.default(key, getattr(reward, key), default)
        for key, default in known.options.items()
    }
    return {"name": reward.name, "weight": weight, "options": options}
