"""Whose connections those of a shared socket are: what the kernel said of each, for as long as it is open."""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: Connections that one user, and all of them together, may have open: each takes two descriptors of the daemon.
_MOST_OF_ONE, _MOST = 64, 512


class TooManyConnectionsError(RuntimeError):
    """A user has as many connections open as one may have."""


@dataclass(slots=True)
class Callers:
    """A connection's name goes to gRPC as its address. It can't be guessed, and means something in this table only."""

    _users: dict[str, int] = field(default_factory=dict)
    _open: Counter[int] = field(default_factory=Counter)

    @contextmanager
    def connection(self, user: int) -> Iterator[str]:
        """Yield the name of a new connection of the user with this number; raise TooManyConnectionsError."""
        if self._open[user] >= _MOST_OF_ONE or len(self._users) >= _MOST:
            raise TooManyConnectionsError(f"user {user} has {self._open[user]} connections open")
        # Strangers are told apart, and slowed down, by what stands before the last colon of an address.
        name = f"{user}:{secrets.token_hex(8)}"
        self._users[name] = user
        self._open[user] += 1
        try:
            yield name
        finally:
            del self._users[name]
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]

    def user(self, peer: str) -> int | None:
        """Return the number of the user whose connection has this address, None where it is nobody's."""
        return self._users.get(peer.rpartition("/")[2])
