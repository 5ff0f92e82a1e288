"""The bare gRPC server from outside: start it, and name its methods."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from control_plane.processes import wait_until

ECHO, FLOOD, FAN, RING = (f"/bare/{name}" for name in ("Echo", "Flood", "Fan", "Ring"))


@contextmanager
def bare_server(folder: Path) -> Iterator[str]:
    """Run the server until the end of the block and yield its target."""
    socket = folder / "bare.sock"
    process = subprocess.Popen([sys.executable, "-P", str(Path(__file__).with_name("bare_server.py")), str(socket)])
    try:
        wait_until(socket.exists)
        yield f"unix:{socket}"
    finally:
        process.terminate()
        process.wait()


def flood_request(count: int, message: bytes) -> bytes:
    """Return the request for `count` times a message."""
    return count.to_bytes(4, "big") + message
