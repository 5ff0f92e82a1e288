"""What prompt and prefix tuning put in front of every text, in a form that any way to generate understands.

PEFT puts it there inside its own `forward` and `generate`, which neither a paged cache nor a cache that several
continuations share can use. Here the plain model is left, and the lead-in is ids that stand before a text's own: for
prompt tuning ids beyond the vocabulary whose vectors have been learnt, for prefix tuning ids that nobody looks up,
because their keys and values are in the cache already.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import StepFailedError

_NAME = "tunewright_lead_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadIn:
    """`ids` go before a text's ids; `keys_and_values` has for each layer keys and values [1, heads, ids, width] of
    them, or is empty where the model makes them itself.
    """

    ids: tuple[int, ...] = ()
    keys_and_values: tuple[tuple[Any, Any], ...] = ()

    def cache(self, model: Any, rows: int) -> Any | None:
        """Return a new cache that holds the lead-in for so many rows; None where there is nothing to hold."""
        if not self.keys_and_values:
            return None
        from transformers import DynamicCache

        cache = DynamicCache(config=model.config.get_text_config())
        for layer, (keys, values) in enumerate(self.keys_and_values):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), layer)
        return cache


def stands_in_cache(adapter: Path) -> bool:
    """Say whether an adapter is keys and values before a text, which only a cache of one's own can hold."""
    settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    return bool(settings.get("peft_type") == "PREFIX_TUNING")


def lead_in(model: Any) -> LeadIn:
    """Return what stands in front of every text for a loaded model; nothing for most."""
    found: LeadIn = getattr(model, _NAME, LeadIn())
    return found


def put_in_front(adapted: Any) -> Any:
    """Return the plain model of PEFT's, which from now on has its adapter's lead-in; raise StepFailedError."""
    kind = str(adapted.active_peft_config.peft_type.value)
    if kind not in ("PROMPT_TUNING", "PREFIX_TUNING"):
        raise StepFailedError(
            f"an adapter of the kind {kind} can't be put in front of a text here",
            reason="ADAPTER_MISMATCH",
            help="use an adapter that the tuners `prompt` or `prefix` have made",
        )
    import torch

    with torch.no_grad():
        learnt = adapted.get_prompt(batch_size=1)
    model = adapted.get_base_model()
    model.requires_grad_(False)
    made = _prefix(learnt) if kind == "PREFIX_TUNING" else _prompt(model, learnt[0])
    setattr(model, _NAME, made)
    return model


def _prefix(cache: Any) -> LeadIn:
    layers = tuple((layer.keys.detach(), layer.values.detach()) for layer in cache.layers)
    return LeadIn(ids=(0,) * layers[0][0].shape[2], keys_and_values=layers)


def _prompt(model: Any, vectors: Any) -> LeadIn:
    import torch

    class WithLearntVectors(torch.nn.Module):  # type: ignore[misc]
        """A model's own embedding, and behind the last of its ids the learnt vectors."""

        def __init__(self, own: Any) -> None:
            super().__init__()
            self.own, self.first = own, own.weight.shape[0]
            self.register_buffer("vectors", vectors.to(own.weight.dtype), persistent=False)

        @property
        def weight(self) -> Any:
            """The model's own vectors, to which its head may be tied."""
            return self.own.weight

        def forward(self, ids: Any) -> Any:
            learnt = self.vectors[(ids - self.first).clamp(0, len(self.vectors) - 1)]
            return torch.where((ids >= self.first).unsqueeze(-1), learnt, self.own(ids.clamp(max=self.first - 1)))

    own = model.get_input_embeddings()
    model.set_input_embeddings(WithLearntVectors(own))
    return LeadIn(ids=tuple(range(own.weight.shape[0], own.weight.shape[0] + len(vectors))))
