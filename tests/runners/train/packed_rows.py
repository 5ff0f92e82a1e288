"""Do packed rows see each other? Runs in the `train` environment: model types in, greatest differences out, as JSON."""

import json
import sys
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

SIZES: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": None, "sliding_window": 4,
    "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}  # fmt: skip
FIRST, SECOND = 7, 5


def tiny(model_type: str, attention: str) -> Any:
    configuration = AutoConfig.for_model(model_type, **SIZES)
    if getattr(configuration, "head_dim", None) not in (None, 8):
        configuration.head_dim = 8
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(configuration, attn_implementation=attention).float().eval()


def difference(model_type: str, attention: str) -> list[float]:
    """Return how far the second row's logits move when the first row changes, and when it is not there at all."""
    model = tiny(model_type, attention)
    one, other, row = (torch.randint(3, 64, (1, length)) for length in (FIRST, FIRST, SECOND))
    positions = torch.cat([torch.arange(FIRST), torch.arange(SECOND)])[None]

    def logits(before: Any) -> Any:
        ids = torch.cat([before, row], 1)
        return model(input_ids=ids, position_ids=positions[:, -ids.shape[1] :], use_cache=False).logits[:, -SECOND:]

    with torch.no_grad():
        packed, changed, alone = logits(one), logits(other), logits(row[:, :0])
    return [float((packed - changed).abs().max()), float((packed - alone).abs().max())]


found: dict[str, list[float]] = {}
for name in sys.argv[1:]:
    for attention in ("eager", "sdpa"):
        try:
            found[f"{name} {attention}"] = difference(name, attention)
        except ValueError as error:
            if "does not support an attention implementation" not in str(error):
                raise
sys.stdout.write(json.dumps(found))
