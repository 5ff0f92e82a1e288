"""What a client did wrong, as the error objects that OpenAI's clients understand."""

from typing import Any


class RequestError(Exception):
    """A request that can't be answered: HTTP status, sentence, `type`, `code` and the field (`param`) to blame."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.param = status, kind, code, param

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"error": {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}}


class EngineStoppedError(RequestError):
    """The engine takes no more work: it is stopping, or it has died."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the engine does not answer: {why}", status=503, kind="server_error", code="engine_stopped")
