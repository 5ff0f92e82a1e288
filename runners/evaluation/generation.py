"""Write replies to many prompts: batches of like length, padded on the left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.runners.attachments.lead_in import lead_in
from tunewright.runners.model_loading import stop_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a reply is written; temperature 0 always takes the likeliest token."""

    max_new_tokens: int
    temperature: float = 0.0


def write_replies(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    batch_size: int,
    on_batch: Callable[[int], None],
    on_token: Callable[[], None],
) -> list[str]:
    """Return one reply for each prompt (token ids), in order.

    `on_batch` hears how many are done after every batch; `on_token` is called for every token and may raise to stop.
    """
    import torch

    def go_on(ids: Any, _scores: Any, **_more: Any) -> Any:
        on_token()
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    settings, front = _settings(model, tokenizer, sampling), lead_in(model)
    # Prompts of like length share a batch: padding is work for nothing.
    order = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), index))
    replies = [""] * len(prompts)
    done = 0
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        ids, mask = _padded([prompts[row] for row in rows], front.ids, tokenizer.pad_token_id, model.device)
        with torch.inference_mode():
            written = model.generate(
                input_ids=ids,
                attention_mask=mask,
                past_key_values=front.cache(model, len(rows)),
                generation_config=settings,
                stopping_criteria=[go_on],
            )
        texts = tokenizer.batch_decode(written[:, ids.shape[1] :], skip_special_tokens=True)
        for row, text in zip(rows, texts, strict=True):
            replies[row] = text
        done += len(rows)
        on_batch(done)
    return replies


def _settings(model: Any, tokenizer: Any, sampling: Sampling) -> Any:
    """The folder's own generation settings (penalties, top_k) are put aside: what is measured can't depend on them."""
    from transformers import GenerationConfig

    stops = stop_tokens(model, tokenizer)
    chosen = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0} if sampling.temperature > 0 else {}
    settings = GenerationConfig(
        max_new_tokens=sampling.max_new_tokens, eos_token_id=stops, pad_token_id=tokenizer.pad_token_id, **chosen
    )
    model.generation_config = settings
    return settings


def _padded(prompts: Sequence[Sequence[int]], front: Sequence[int], pad: int, device: Any) -> tuple[Any, Any]:
    """Return ids and attention mask of shape (batch, front + longest): what leads in, padding, the prompt."""
    import torch

    longest = max(len(prompt) for prompt in prompts)
    ids = [[*front, *[pad] * (longest - len(prompt)), *prompt] for prompt in prompts]
    mask = [[1] * len(front) + [0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
