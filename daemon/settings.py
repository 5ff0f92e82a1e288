"""What a daemon is started with, and what is wrong with it."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.filesystem import network_type

_MAX_SOCKET_PATH_BYTES = 107


class SettingsError(ValueError):
    """The daemon can't be started like this; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`listen`: a loopback address with port, beside the Unix socket. `private`: end after `idle_seconds` of not being
    used. `hang_seconds`: for how long the event loop may hang before the daemon ends itself.
    """

    home: Path
    listen: str | None = None
    private: bool = False
    idle_seconds: float = 60.0
    slots: int = 1
    hang_seconds: float = 60.0

    def check(self) -> None:
        """Raise SettingsError where something can't be."""
        socket = str(self.home / "daemon.sock")
        if len(socket.encode("utf-8")) > _MAX_SOCKET_PATH_BYTES:
            raise SettingsError(
                f"{socket} is too long for a Unix socket (at most {_MAX_SOCKET_PATH_BYTES} bytes);"
                " choose a shorter --home"
            )
        if kind := network_type(self.home):
            raise SettingsError(
                f"{self.home} lies on a network file system ({kind}), where neither locks nor the store hold;"
                " choose a --home on a disk of this machine"
            )
        if self.listen is not None:
            _check_loopback(self.listen)


def _check_loopback(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"--listen takes an address with port such as 127.0.0.1:7419, not `{address}`")
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        raise SettingsError(f"--listen takes an IP address such as 127.0.0.1, not the name `{host}`") from None
    if not loopback:
        raise SettingsError(
            f"{host} is not a loopback address: without access control the daemon listens on 127.0.0.1 or ::1 only;"
            " from elsewhere use an SSH tunnel"
        )
