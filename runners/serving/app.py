"""The endpoint: routes, streams, errors. Starlette on an engine."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tunewright.runners.serving.engine import Engine
from tunewright.runners.serving.errors import EngineStoppedError, RequestError
from tunewright.runners.serving.measures import Measures
from tunewright.runners.serving.middleware import App, LoopbackOnly, Stamp
from tunewright.runners.serving.replies import DONE, Reply, Shape, Usage, error_event
from tunewright.runners.serving.requests import Defaults, GenerationRequest, parse_chat, parse_completion
from tunewright.runners.serving.text import ReplyText

_MOST_BODY_BYTES = 4 << 20
_MOST_OPEN_REQUESTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """All that a request needs: the engine, the tokenizer, defaults, figures, and when the model was loaded."""

    engine: Engine
    tokenizer: Any
    defaults: Defaults
    measures: Measures
    model_digest: str
    created: int

    async def chat(self, request: Request) -> Response:
        """Answer POST /v1/chat/completions."""
        parsed = parse_chat(await _body(request), self.tokenizer, self.defaults)
        return await self._answer(request, parsed, "chat")

    async def completion(self, request: Request) -> Response:
        """Answer POST /v1/completions."""
        parsed = parse_completion(await _body(request), self.tokenizer, self.defaults)
        return await self._answer(request, parsed, "text")

    async def models(self, _request: Request) -> Response:
        """Answer GET /v1/models."""
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, request: Request) -> Response:
        """Answer GET /v1/models/NAME."""
        name = request.path_params["name"]
        if name != self.defaults.served_model_name:
            raise RequestError(f"the model `{name}` does not exist", status=404, code="model_not_found", param="model")
        return JSONResponse(self._model())

    async def health(self, _request: Request) -> Response:
        """Answer GET /health: 200 while the engine's thread lives."""
        alive = self.engine.alive
        return JSONResponse({"status": "ok" if alive else "engine stopped"}, status_code=200 if alive else 503)

    async def metrics(self, _request: Request) -> Response:
        """Answer GET /metrics."""
        return Response(self.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def _model(self) -> dict[str, Any]:
        return {
            "id": self.defaults.served_model_name,
            "object": "model",
            "created": self.created,
            "owned_by": "tunewright",
            "max_model_len": self.defaults.max_model_len,
            "digest": self.model_digest,
        }

    async def _answer(self, request: Request, parsed: GenerationRequest, shape: Shape) -> Response:
        if self.measures.open_count >= _MOST_OPEN_REQUESTS:
            raise RequestError(
                "too many open requests", status=429, kind="rate_limit_error", code="rate_limit_exceeded"
            )
        reply = Reply(shape=shape, model=self.defaults.served_model_name)
        writing = _Writing(self, parsed)
        if parsed.stream:
            return StreamingResponse(_stream(writing, reply), media_type="text/event-stream")
        pieces = []
        async for piece in writing.pieces():
            pieces.append(piece)
            if await request.is_disconnected():
                break
        return JSONResponse(reply.whole("".join(pieces), writing.finish_reason, writing.usage))


class _Writing:
    """One reply on its way from the engine to the client."""

    def __init__(self, service: Service, request: GenerationRequest) -> None:
        self._service, self.request = service, request
        self._written = 0
        self.finish_reason = "length"

    @property
    def usage(self) -> Usage:
        return Usage(prompt_tokens=len(self.request.prompt), completion_tokens=self._written)

    async def pieces(self) -> AsyncIterator[str]:
        """Yield the text as it becomes certain; afterwards `finish_reason` and `usage` are final."""
        measures, text = self._service.measures, ReplyText(self._service.tokenizer, self.request.stop)
        measures.prompt_tokens.inc(len(self.request.prompt))
        tokens = self._service.engine.generate(self.request)
        with measures.generation() as clock:
            try:
                async for fresh in tokens:
                    clock.token_came()
                    self._written += len(fresh)
                    measures.completion_tokens.inc(len(fresh))
                    yield text.push(fresh)
                    if text.stopped or (fresh and self._service.engine.ends(fresh[-1])):
                        self.finish_reason = "stop"
                        break
                yield text.finish()
            finally:
                await tokens.aclose()


async def _stream(writing: _Writing, reply: Reply) -> AsyncIterator[str]:
    if opening := reply.opening():
        yield opening
    try:
        async for piece in writing.pieces():
            if piece:
                yield reply.piece(piece)
    except EngineStoppedError as error:
        yield error_event(error.body())
        return
    yield reply.closing(writing.finish_reason)
    if writing.request.include_usage:
        yield reply.accounting(writing.usage)
    yield DONE


async def _body(request: Request) -> Any:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BODY_BYTES:
            raise RequestError(f"the body is larger than {_MOST_BODY_BYTES} bytes", status=413)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from error


async def _on_request_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)  # noqa: S101 - registered for this type only
    return JSONResponse(error.body(), status_code=error.status)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    refused: Any = error  # pyright can't see the class, which lives in the runner's environment
    return JSONResponse(RequestError(str(refused.detail)).body(), status_code=refused.status_code)


async def _on_bug(_request: Request, error: Exception) -> Response:
    """Say no more than the kind: the traceback is in the step's log, not on the wire."""
    message = f"internal error ({type(error).__name__}); the traceback is in the step's log"
    return JSONResponse(RequestError(message, kind="server_error").body(), status_code=500)


def build_app(service: Service) -> App:
    """Return the ASGI application of a service."""
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", service.chat, methods=["POST"]),
            Route("/v1/completions", service.completion, methods=["POST"]),
            Route("/v1/models", service.models),
            Route("/v1/models/{name:path}", service.model),
            Route("/health", service.health),
            Route("/metrics", service.metrics),
        ],
        exception_handlers={RequestError: _on_request_error, HTTPException: _on_http_error, Exception: _on_bug},
    )
    paths = frozenset(route.path for route in app.routes if isinstance(route, Route))
    return Stamp(LoopbackOnly(app), model_digest=service.model_digest, paths=paths, measures=service.measures)
