"""The socket and the server on it: bound before anything is loaded, closed without cutting answers off."""

import errno
import socket
import threading
import time

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.serving.middleware import App

_LOOPBACK = ("127.0.0.1", "::1")

_START_SECONDS = 30.0
_TICK_SECONDS = 0.02


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket on a loopback address; port 0 takes a free one.

    Raises StepFailedError IMPOSSIBLE for any other address and PORT_IN_USE when another process listens there.
    """
    address = "127.0.0.1" if host == "localhost" else host
    if address not in _LOOPBACK:
        raise StepFailedError(
            f"the embedded engine has no access control and does not listen on `{host}`",
            reason="IMPOSSIBLE",
            help="set `host: 127.0.0.1` and put a gateway with authentication in front",
            code=ExitCode.IMPOSSIBLE,
        )
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        # Listening now, not later: a bound socket that does not listen leaves the port to others.
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise StepFailedError(
            f"port {port} on {address} is in use by another process",
            reason="PORT_IN_USE",
            help="stop what listens there, or set another `port`",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the base address of the API behind a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


class ServerThread:
    """Uvicorn in a thread, so that the main thread hears signals and watches."""

    def __init__(self, app: App, listener: socket.socket, grace_seconds: float) -> None:
        import uvicorn

        settings = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=max(1, int(grace_seconds)),
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="http", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether requests are accepted."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start, and return when connections are accepted; raise StepFailedError when that does not happen."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self.alive or time.monotonic() > deadline:
                raise StepFailedError("the HTTP server did not start", reason="SERVER_DIED", help="see the step's log")
            time.sleep(_TICK_SECONDS)

    def stop(self) -> None:
        """Accept nothing more, let open requests end within the grace period, then return."""
        self._server.should_exit = True
        self._thread.join()
