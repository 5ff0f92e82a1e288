"""A service as engines are: `small_service.py PORT`. It says nothing of itself; `/health` hangs while work/sick is
there, which a start takes away; `/metrics` is the file work/figures; `/slow` takes a second; SIGTERM lets what is being
answered come to its end.
"""

import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Answers(BaseHTTPRequestHandler):
    """What it answers."""

    def do_GET(self) -> None:
        """Answer as the path says."""
        if self.path == "/slow":
            Path("asked").touch()
            time.sleep(1.0)
        while Path("sick").exists():
            time.sleep(0.05)
        self.send_response(200)
        self.end_headers()
        figures = Path("figures")
        self.wfile.write(figures.read_bytes() if self.path == "/metrics" and figures.exists() else b"well")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(port: int) -> None:
    """Serve until SIGTERM."""
    Path("sick").unlink(missing_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", port), Answers)
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()  # waits for those who are being answered


if __name__ == "__main__":
    main(int(sys.argv[1]))
