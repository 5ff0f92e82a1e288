"""The key file of the encrypted store: one key a line, the newest first; it lies outside of the home.

Between the two halves of a rotation it holds two keys, so that a crash at any line leaves everything readable.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.secrets.folder import check_private, write_private
from tunewright.daemon.secrets.provider import SecretError

_FORM = "tunewright-key-v1"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """256 bits for AES-GCM. `id` is the beginning of their digest: it says which key, and nothing about it."""

    bits: bytes

    @property
    def id(self) -> str:
        """What entries that are sealed with it name."""
        return hashlib.sha256(b"tunewright key id\0" + self.bits).hexdigest()[:16]


def new_key() -> Key:
    """Return a key that nobody has."""
    return Key(os.urandom(_KEY_BYTES))


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file, the one to seal with first; none where there is no file. Raise SecretError."""
    try:
        check_private(path, path.stat())
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"the key file {path} can't be read: {error}") from None
    keys = tuple(_key(line, path) for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise SecretError(f"{path} holds no key", help="put the key file back from where you keep it")
    return keys


def write_keys(path: Path, *keys: Key) -> None:
    """Write the key file for its owner alone, whole or not at all."""
    lines = [f"{_FORM} {base64.b64encode(key.bits).decode('ascii')}\n" for key in keys]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, "".join(lines).encode("ascii"))
    except OSError as error:
        raise SecretError(f"the key file {path} can't be written: {error.strerror}") from None


def _key(line: str, path: Path) -> Key:
    form, _, text = line.strip().partition(" ")
    try:
        bits = base64.b64decode(text, validate=True)
    except binascii.Error:
        bits = b""
    if form != _FORM or len(bits) != _KEY_BYTES:
        raise SecretError(f"{path} is no key file of Tunewright", help="name the one that `tunewright secret set` made")
    return Key(bits)
