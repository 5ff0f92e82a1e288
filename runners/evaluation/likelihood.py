"""Weigh given replies: the log-likelihood of each choice as the assistant's answer."""

from collections.abc import Sequence
from typing import Any

from tunewright.runners.attachments.lead_in import lead_in


def choice_likelihoods(model: Any, prompt: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
    """Return the summed log-probability of each choice (token ids) after the prompt.

    The prompt is read once and its keys and values serve all choices, which go through the model as one batch.
    Padding stands on the right, behind what is measured, so that a question's result does not depend on its neighbours.
    """
    import torch

    longest = max(len(choice) for choice in choices)
    padded = torch.tensor(
        [[*choice, *[choice[-1]] * (longest - len(choice))] for choice in choices], device=model.device
    )
    front = lead_in(model)
    known = front.cache(model, 1)
    shown = front.ids if known is None else ()  # what the cache holds need not be read again
    with torch.inference_mode():
        first = model(
            input_ids=torch.tensor([[*shown, *prompt]], device=model.device),
            past_key_values=known,
            use_cache=True,
            logits_to_keep=1,
        )
        logits = first.logits.expand(len(choices), -1, -1)
        if longest > 1:
            cache = first.past_key_values
            cache.batch_repeat_interleave(len(choices))
            rest = model(input_ids=padded[:, :-1], past_key_values=cache, use_cache=True)
            logits = torch.cat([logits, rest.logits], dim=1)
        log_probabilities = torch.log_softmax(logits.float(), dim=-1)
        picked = log_probabilities.gather(-1, padded.unsqueeze(-1)).squeeze(-1)
    return [float(row[: len(choice)].sum()) for row, choice in zip(picked, choices, strict=True)]


def likeliest(values: Sequence[float]) -> int:
    """Return the index of the largest value; the first of equals."""
    return max(range(len(values)), key=lambda index: values[index])
