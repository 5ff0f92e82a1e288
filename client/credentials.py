"""What a client shows a daemon, and what it holds the daemon to. Standard library only."""

import ipaddress
import stat
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.client.errors import CredentialError

_MAX_TOKEN_BYTES = 16 * 1024
_MAX_FILE_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Files: `authority` is whose certificate the daemon must have (PEM; without it, those that this machine trusts),
    `certificate` and `key` are the caller's own, `token_file` holds a bearer token: a token
    goes beside a certificate only where it is bound to it. All may be missing: the Unix socket of one's own daemon asks
    for none. `token_text` is a token that came another way than by a file.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token_file: Path | None = None
    token_text: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            given, missing = ("--cert", "--key") if self.key is None else ("--key", "--cert")
            raise CredentialError(f"{given} goes with {missing}: a certificate is nothing without its key")

    @property
    def has_token(self) -> bool:
        """Whether there is a token to show."""
        return self.token_file is not None or self.token_text is not None

    def encrypts(self, target: str) -> bool:
        """Answer whether calls to a target go through TLS: always where they leave this machine."""
        return self.authority is not None or self.certificate is not None or not is_local(target)

    def token(self) -> str | None:
        """Return the token as the file has it now: whoever issues short-lived ones writes it anew."""
        if self.token_file is None:
            return self.token_text
        content = read(self.token_file)[:_MAX_TOKEN_BYTES].decode("ascii", "replace").strip()
        if self.token_file.is_file() and stat.S_IMODE(self.token_file.stat().st_mode) & 0o077:
            message = f"{self.token_file} can be read by others, who could use the token"
            raise CredentialError(message, help=f"chmod 600 {self.token_file}, and better get a new token")
        if not content or not content.isprintable() or " " in content:
            raise CredentialError(f"{self.token_file} does not hold one token and nothing else")
        return content


#: For one's own daemon, on its Unix socket.
NO_CREDENTIALS = Credentials()


def read(path: Path) -> bytes:
    """Return the content of a credential's file; raise CredentialError when it can't be read."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CredentialError(f"{path} can't be read: {error.strerror}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise CredentialError(f"{path} is longer than any credential")
    return content


def is_local(target: str) -> bool:
    """Answer whether a target is on this machine, so that what is said to it can't be overheard by others."""
    if target.startswith("unix:"):
        return True
    host = target.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
