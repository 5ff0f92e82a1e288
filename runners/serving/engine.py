"""The engine: transformers' continuous batching. Requests share every forward pass, whatever the weights' format."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from tunewright.runners.attachments.lead_in import lead_in
from tunewright.runners.model_loading import stop_tokens
from tunewright.runners.serving.errors import EngineStoppedError
from tunewright.runners.serving.requests import GenerationRequest

ENGINE = "transformers continuous batching"

_PAGE_TOKENS = 32
_BATCH_TOKENS = 512
_CACHE_BYTES = 1 << 30
_MOST_SLOTS = 16

#: The likeliest token, and only one even where two are equally likely: a nucleus of size nothing keeps the first.
_GREEDY = {"temperature": 1.0, "top_p": 0.0}


class Engine:
    """Generates for many requests at once in a thread of its own. Use from one event loop, after `start`."""

    def __init__(self, model: Any, tokenizer: Any, *, max_model_len: int) -> None:
        from transformers import ContinuousBatchingConfig, GenerationConfig

        self._stops, self._front = stop_tokens(model, tokenizer), lead_in(model).ids
        # Temperature and top_p here only switch the processors on; every request brings its own values.
        settings = GenerationConfig(
            do_sample=True,
            temperature=0.5,
            top_p=0.5,
            top_k=0,
            eos_token_id=self._stops,
            pad_token_id=tokenizer.pad_token_id,
        )
        self._manager = model.init_continuous_batching(
            generation_config=settings,
            continuous_batching_config=ContinuousBatchingConfig(
                per_request_processors=True,
                page_size=_PAGE_TOKENS,
                num_blocks=_cache_tokens(model, max_model_len) // _PAGE_TOKENS,
                max_batch_tokens=_BATCH_TOKENS,
            ),
        )

    @property
    def alive(self) -> bool:
        """Whether requests will be answered."""
        return bool(self._manager.is_running())

    def start(self) -> None:
        """Start the thread that generates."""
        self._manager.start()

    def stop(self) -> None:
        """Stop at once; requests that are still open fail."""
        self._manager.stop(block=True, hard_stop=True)

    def ends(self, token: int) -> bool:
        """Say whether a token ends a reply."""
        return token in self._stops

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[list[int], None]:
        """Yield the reply's token ids as they come; leaving early cancels the request. Raises EngineStoppedError."""
        name = uuid.uuid4().hex
        arrivals: asyncio.Queue[Any] = asyncio.Queue()
        sampling = {"temperature": request.temperature, "top_p": request.top_p} if request.temperature > 0 else _GREEDY
        self._manager.register_result_handler(name, arrivals.put_nowait)
        accepted = self.alive and self._manager.add_request(
            [*self._front, *request.prompt],
            request_id=name,
            max_new_tokens=request.max_new_tokens,
            streaming=True,
            eos_token_id=self._stops,
            **sampling,
        )
        if not accepted:
            self._forget(name)
            raise EngineStoppedError("it takes no more requests")
        seen, finished = 0, False
        try:
            while not finished:
                output = await arrivals.get()
                finished = output.is_finished()
                if output.error is not None:
                    raise EngineStoppedError(str(output.error))
                fresh = output.generated_tokens[seen:]
                seen += len(fresh)
                yield fresh
        finally:
            if not finished:
                self._manager.cancel_request(name)
                self._forget(name)

    def _forget(self, name: str) -> None:
        """Drop what the library keeps for a request that ended early, and outputs that came too late."""
        self._manager.output_router.result_handlers.pop(name, None)
        while self._manager.get_result(timeout=0) is not None:
            continue


def _cache_tokens(model: Any, max_model_len: int) -> int:
    """Return for how many tokens to keep keys and values: for many requests if memory allows, for one at least."""
    settings = model.config.get_text_config()
    heads = getattr(settings, "num_key_value_heads", None) or settings.num_attention_heads
    width = getattr(settings, "head_dim", None) or settings.hidden_size // settings.num_attention_heads
    bytes_per_token = 2 * settings.num_hidden_layers * heads * width * model.dtype.itemsize
    affordable = min(_CACHE_BYTES // bytes_per_token, _MOST_SLOTS * max_model_len)
    return int(max(affordable, max_model_len + 2 * _PAGE_TOKENS))
