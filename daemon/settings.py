"""What a daemon is started with, and what is wrong with it."""

from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.access.site import AccessError, is_loopback
from tunewright.daemon.filesystem import network_type
from tunewright.daemon.log.setup import LogFormat

_MAX_SOCKET_PATH_BYTES = 107


class SettingsError(ValueError):
    """The daemon can't be started like this; the message says what to change."""


class SettingsFileError(ValueError):
    """A file can't be used; the message names place and remedy of everything that is wrong with it, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`listen`: a loopback address with port, beside the Unix socket; callers there bring a token, or nothing where
    `anonymous`. `metrics`: where Prometheus reads figures, over HTTP. `log_format`: None is text on a terminal and
    JSON elsewhere. `access` is the file that says who else may call, `policy` what specs are held to, `secrets` where
    they come from, `alerts` where alerts go. `private`: end after `idle_seconds` of not being used. `hang_seconds`:
    for how long the event loop may hang before the daemon ends itself. `slots`: how many steps may compute on the
    processor at once. `devices` is a file that stands for the machine's accelerators, for tests and demonstrations.
    `cgroup`: make the control groups of steps below this one.
    """

    home: Path
    listen: str | None = None
    anonymous: bool = False
    access: Path | None = None
    metrics: str | None = None
    log_format: LogFormat | None = None
    policy: Path | None = None
    secrets: Path | None = None
    alerts: Path | None = None
    private: bool = False
    idle_seconds: float = 60.0
    slots: int = 1
    hang_seconds: float = 60.0
    devices: Path | None = None
    cgroup: Path | None = None

    def check(self) -> None:
        """Raise SettingsError where something can't be."""
        socket = str(self.home / "daemon.sock")
        if len(socket.encode("utf-8")) > _MAX_SOCKET_PATH_BYTES:
            raise SettingsError(
                f"{socket} is too long for a Unix socket (at most {_MAX_SOCKET_PATH_BYTES} bytes);"
                " choose a shorter --home"
            )
        if self.slots < 1:
            raise SettingsError(f"--slots is {self.slots}: steps without an accelerator need at least one")
        if kind := network_type(self.home):
            raise SettingsError(
                f"{self.home} lies on a network file system ({kind}), where neither locks nor the store hold;"
                " choose a --home on a disk of this machine"
            )
        if self.listen is not None:
            _check_loopback(self.listen)
        elif self.anonymous:
            raise SettingsError("--anonymous is about who calls on the address of --listen: name one")

    @property
    def access_file(self) -> Path | None:
        """Return the access file that was named, else the home's; None without any."""
        own = self.home / "access.yaml"
        return self.access or (own if own.exists() else None)

    @property
    def alerts_file(self) -> Path:
        """Return the alerts file that was named, else the home's, which need not be there."""
        return self.alerts or self.home / "alerts.yaml"


def _check_loopback(address: str) -> None:
    try:
        loopback = is_loopback(address)
    except AccessError as error:
        raise SettingsError(f"--listen: {error}") from None
    if not loopback:
        raise SettingsError(
            f"{address} is reached from other machines: say in an access file (--access) how they prove who they are,"
            " with `listen` and `tls`, or listen on 127.0.0.1 and use an SSH tunnel (docs/access.md)"
        )
