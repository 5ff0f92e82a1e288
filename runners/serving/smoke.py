"""One real completion through the service's own HTTP endpoint, the way a client does it. Standard library only."""

import http.client
import json
from collections.abc import Callable

from tunewright.runners.sdk import StepFailedError

_SECONDS = 120.0


def ask(
    host: str, port: int, model: str, prompt: str, max_tokens: int | None, check_cancelled: Callable[[], None]
) -> str:
    """Return the service's reply to a user's message; raise StepFailedError when it does not answer as it should.

    The reply is streamed, so that `check_cancelled` is heard between its pieces.
    """
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": True}
    if max_tokens is not None:
        body["max_tokens"] = max_tokens
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise _failed(f"status {response.status}: {response.read(2000).decode(errors='replace')}")
        return _read(response, check_cancelled)
    except (OSError, http.client.HTTPException) as error:
        raise _failed(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, check_cancelled: Callable[[], None]) -> str:
    pieces: list[str] = []
    for line in response:
        check_cancelled()
        data = line.decode().removeprefix("data: ").strip()
        if not data:
            continue
        if data == "[DONE]":
            return "".join(pieces)
        event = json.loads(data)
        if "error" in event:
            raise _failed(event["error"]["message"])
        pieces.extend(choice["delta"].get("content", "") for choice in event["choices"])
    raise _failed("the stream ended before its end")


def _failed(why: str) -> StepFailedError:
    return StepFailedError(
        f"the service started but does not answer: {why}",
        reason="SMOKE_FAILED",
        help="the step's log has the details; check that the model's architecture can be served here",
    )
