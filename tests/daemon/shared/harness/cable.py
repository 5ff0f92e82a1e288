"""A cable between a client and a daemon that can be pulled: what is sent afterwards arrives nowhere, and nobody is
told.
"""

import selectors
import socket
import threading


class Cable:
    """Forwards connections on a loopback address to a daemon's, until it is pulled."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._far = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ends: dict[socket.socket, socket.socket] = {}
        self._near: set[socket.socket] = set()
        self._pulled = threading.Event()
        self.left_by_daemon = threading.Event()
        self.left_by_client = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """From now on nothing gets through; neither side sees the connection end."""
        self._pulled.set()

    def close(self) -> None:
        """Let go of everything."""
        self._over = True
        self._thread.join()
        for end in (self._listener, *self._ends):
            end.close()

    def _forward(self) -> None:
        while not self._over:
            for key, _ in self._selector.select(0.05):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._pass_on(key.fileobj)  # type: ignore[arg-type]

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if self._pulled.is_set():
            self._ends[near] = near  # a machine that is not reached does not answer
            return
        far = socket.create_connection(self._far)
        self._near.add(near)
        for end, other in ((near, far), (far, near)):
            self._ends[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        try:
            content = end.recv(65536)
        except OSError:
            content = b""
        if not content:
            self._selector.unregister(end)
            (self.left_by_client if end in self._near else self.left_by_daemon).set()
        elif not self._pulled.is_set():
            self._ends[end].sendall(content)
