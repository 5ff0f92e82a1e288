"""The trained model in the form in which the health check asks models: as transformers' ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from tunewright.runners.megatron.loop import Trainer


class AsTransformers:
    """Answers like a causal language model of transformers, by all processes together."""

    def __init__(self, trainer: Trainer, config: Any) -> None:
        self._trainer = trainer
        self.config = config

    def __call__(self, *, input_ids: Any, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(logits=self._trainer.logits(input_ids.cpu()))

    def eval(self) -> None:
        """Switch dropout off."""
        for chunk in self._trainer.chunks:
            chunk.eval()

    def get_input_embeddings(self) -> SimpleNamespace:
        """Return what has as many rows as there are words."""
        import torch

        return SimpleNamespace(weight=torch.empty(self._trainer.architecture.vocabulary, 0))

    @contextmanager
    def disable_adapter(self) -> Iterator[None]:
        """Answer as the base model inside the block."""
        from tunewright.runners.megatron.adapters import Adapter

        adapters = [
            module for chunk in self._trainer.chunks for module in chunk.modules() if isinstance(module, Adapter)
        ]
        for adapter in adapters:
            adapter.acts = False
        try:
            yield
        finally:
            for adapter in adapters:
                adapter.acts = True
