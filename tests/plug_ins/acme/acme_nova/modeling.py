"""A decoder of our own: joined projections, no gate, learned positions."""

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast


class NovaConfig(PretrainedConfig):
    """Sizes under names that no other family has."""

    model_type = "acme_nova"
    attribute_map: ClassVar = {"hidden_size": "width", "num_hidden_layers": "depth", "num_attention_heads": "heads"}

    def __init__(
        self,
        vocab_size: int = 1024,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        inner: int = 128,
        context: int = 256,
        **rest: Any,
    ) -> None:
        self.vocab_size, self.width, self.depth, self.heads = vocab_size, width, depth, heads
        self.inner, self.context = inner, context
        super().__init__(**{"tie_word_embeddings": False, **rest})


class NovaBlock(nn.Module):
    """Attention and a plain feed-forward, each after a norm."""

    def __init__(self, config: NovaConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention_norm, self.mlp_norm = nn.RMSNorm(config.width), nn.RMSNorm(config.width)
        self.wqkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.wo = nn.Linear(config.width, config.width, bias=False)
        self.w_in = nn.Linear(config.width, config.inner, bias=False)
        self.w_out = nn.Linear(config.inner, config.width, bias=False)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the same shape: (rows, tokens, width); `mask` adds to scores."""
        rows, tokens, width = hidden.shape
        joined = self.wqkv(self.attention_norm(hidden)).view(rows, tokens, 3, self.heads, width // self.heads)
        query, key, value = joined.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + mask
        mixed = (scores.float().softmax(-1).to(hidden.dtype) @ value).transpose(1, 2).reshape(rows, tokens, width)
        hidden = hidden + self.wo(mixed)
        return hidden + self.w_out(functional.gelu(self.w_in(self.mlp_norm(hidden))))


class NovaModel(PreTrainedModel):
    """Everything below the head."""

    config_class = NovaConfig
    base_model_prefix = "model"

    def __init__(self, config: NovaConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.layers = nn.ModuleList(NovaBlock(config) for _ in range(config.depth))
        self.norm = nn.RMSNorm(config.width)
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any
    ) -> BaseModelOutputWithPast:
        """Return hidden states (rows, tokens, width)."""
        tokens = input_ids.shape[1]
        hidden = self.embed_tokens(input_ids) + self.positions(torch.arange(tokens, device=input_ids.device))
        lowest = torch.finfo(hidden.dtype).min
        mask = torch.full((tokens, tokens), lowest, dtype=hidden.dtype, device=hidden.device).triu(1)
        if attention_mask is not None:
            padding = (1 - attention_mask[:, None, None, :]).to(hidden.dtype) * lowest
            mask = torch.maximum(mask + padding, torch.tensor(lowest, dtype=hidden.dtype))
        for layer in self.layers:
            hidden = layer(hidden, mask)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(hidden))


class NovaForCausalLM(PreTrainedModel, GenerationMixin):
    """The decoder with its head."""

    config_class = NovaConfig
    base_model_prefix = "model"

    def __init__(self, config: NovaConfig) -> None:
        super().__init__(config)
        self.model = NovaModel(config)
        self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embeddings."""
        return self.model.embed_tokens

    def get_output_embeddings(self) -> nn.Module:
        """Return the head."""
        return self.lm_head

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        num_items_in_batch: Any = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Return logits (rows, the last `logits_to_keep` or all tokens, vocabulary), and the loss of labels."""
        hidden = self.model(input_ids, attention_mask).last_hidden_state
        logits = self.lm_head(hidden[:, -logits_to_keep:] if logits_to_keep else hidden)
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, self.config.vocab_size, num_items_in_batch=num_items_in_batch)
        return CausalLMOutputWithPast(loss=loss, logits=logits)
