"""Around every request, as plain ASGI (streams pass untouched): the model's digest, the count, and who may ask."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse

from tunewright.runners.serving.errors import RequestError
from tunewright.runners.serving.measures import Measures

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MODEL_HEADER = "x-tunewright-model"

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Stamp:
    """Puts the digest of the model on every answer and counts it by path and status."""

    def __init__(self, app: App, *, model_digest: str, paths: frozenset[str], measures: Measures) -> None:
        self._app, self._paths, self._measures = app, paths, measures
        self._header = (MODEL_HEADER.encode(), model_digest.encode())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on; the answer goes out with the header."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), self._header]
                path = scope["path"] if scope["path"] in self._paths else "other"
                self._measures.requests.labels(path, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, stamped)


class LoopbackOnly:
    """Turns away requests that name another host: a page elsewhere may have pointed its name here (DNS rebinding)."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on when its Host header is this machine's own."""
        if scope["type"] != "http" or _hostname(scope) in _LOOPBACK:
            await self._app(scope, receive, send)
            return
        refusal = RequestError("this endpoint answers to 127.0.0.1 and localhost only", status=421, code="wrong_host")
        await JSONResponse(refusal.body(), status_code=refusal.status)(scope, receive, send)


def _hostname(scope: Message) -> str | None:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    try:
        return urlsplit(f"//{hosts[0]}").hostname if hosts else None
    except ValueError:
        return None
