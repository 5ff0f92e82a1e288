"""Policy, value head and reference on one adapter'd model: the reference is the model as it came in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_REFERENCE = "ref"


class Judged(NamedTuple):
    """What the model says of given replies: log-probability and value of each token, shape (replies, tokens)."""

    log_probabilities: Any
    values: Any


def with_value_head(model: Any, peft_config: Any | None) -> Any:
    """Return the model with its adapter, a head that values each token, and a frozen copy of an adapter it came with.

    The head starts at zero, so that the first advantages are the rewards themselves. It is no part of the adapter: it
    is saved in checkpoints (to go on) and not in the result (to speak).
    """
    import torch
    from peft import get_peft_model

    if peft_config is not None:
        model = get_peft_model(model, peft_config)
    else:
        _freeze_copy(model)
    head = torch.nn.Linear(model.config.get_text_config().hidden_size, 1, dtype=torch.float32)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    model.value_head = head.to(model.device)
    model.register_forward_hook(_add_values)
    return model


def _add_values(model: Any, _inputs: Any, answer: Any) -> Any:
    """Value each token within the model's own pass: wrappers that divide the work see no weight used elsewhere."""
    if answer.hidden_states is None:  # who only generates asks for none
        return answer
    values = model.value_head(answer.hidden_states[-1].float()).squeeze(2)
    return {"logits": answer.logits, "values": values}


def _freeze_copy(model: Any) -> None:
    """Keep the adapter as it came in under another name: the base alone is not what training started from."""
    model.add_adapter(_REFERENCE, model.peft_config["default"])
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        if f".{_REFERENCE}." in name:
            parameter.data.copy_(parameters[name.replace(f".{_REFERENCE}.", ".default.")].data)
            parameter.requires_grad_(False)


@contextmanager
def as_reference(model: Any) -> Iterator[None]:
    """Let the model speak as it did before this step."""
    if _REFERENCE not in model.peft_config:
        with model.disable_adapter():
            yield
        return
    model.set_adapter(_REFERENCE)
    try:
        yield
    finally:
        model.set_adapter("default")
        for name, parameter in model.named_parameters():
            if f".{_REFERENCE}." in name:
                parameter.requires_grad_(False)


def judge(model: Any, tokens: Any, mask: Any, reply_length: int, temperature: float) -> Judged:
    """Return log-probabilities and values of the last `reply_length` tokens; `tokens` and `mask` cover the prompts."""
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    answer = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions,
        output_hidden_states=True,
        logits_to_keep=reply_length + 1,
        use_cache=False,
    )
    logits = answer["logits"][:, -reply_length - 1 : -1].float() / temperature
    chosen = tokens[:, -reply_length:]
    log_probabilities = logits.gather(2, chosen.unsqueeze(2)).squeeze(2) - logits.logsumexp(dim=2)
    return Judged(log_probabilities, answer["values"][:, -reply_length - 1 : -1])
