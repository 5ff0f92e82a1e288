"""Secrets in one encrypted file of the home: AES-256-GCM, each with a nonce of its own, bound to project and name.

Whoever copies the file, or a disk, has nothing without the key file, which lies elsewhere. Names are not encrypted.
"""

import base64
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.daemon.secrets.folder import write_private
from tunewright.daemon.secrets.keys import Key, new_key, read_keys, write_keys
from tunewright.daemon.secrets.provider import Held, Scope, SecretError

_VERSION = 1
_NONCE_BYTES = 12
_Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedProvider:
    """The store `path`, opened with the keys of `key_file`."""

    path: Path
    key_file: Path
    scope: Scope

    kind = "encrypted"

    def read(self, project: str, name: str) -> bytes | None:
        """Return a value; raise SecretError for a wrong key, or for an entry that was changed or put elsewhere."""
        entry = self._entries().get(f"{project}/{name}") if self.scope.holds(project) else None
        return None if entry is None else self._opened(f"{project}/{name}", entry, read_keys(self.key_file))

    def held(self, project: str) -> tuple[Held, ...]:
        """Return the names; no key is needed for them."""
        if not self.scope.holds(project):
            return ()
        found = sorted((address.partition("/"), entry["time"]) for address, entry in self._entries().items())
        return tuple(
            Held(name=name, provider=self.kind, modified=moment) for (of, _, name), moment in found if of == project
        )

    def keep(self, project: str, name: str, value: bytes) -> None:
        """Store a value; the first one of a store makes the key file if there is none."""
        with self._changing() as entries:
            keys = read_keys(self.key_file)
            if not keys and entries:
                raise self._no_key()
            if not keys:
                keys = (new_key(),)
                write_keys(self.key_file, *keys)
            entries[f"{project}/{name}"] = _sealed(f"{project}/{name}", value, keys[0])

    def remove(self, project: str, name: str) -> bool:
        """Forget a value."""
        with self._changing() as entries:
            return entries.pop(f"{project}/{name}", None) is not None

    def rotate(self) -> int:
        """Make a new key, seal everything with it, forget the old one, and return how many secrets there are."""
        with self._changing() as entries:
            old = read_keys(self.key_file)
            if not old:
                raise self._no_key()
            values = {address: self._opened(address, entry, old) for address, entry in entries.items()}
            new = new_key()
            write_keys(self.key_file, new, *old)
            for address, value in values.items():
                entries[address] = {**_sealed(address, value, new), "time": entries[address]["time"]}
        write_keys(self.key_file, new)
        return len(values)

    def _opened(self, address: str, entry: dict[str, Any], keys: tuple[Key, ...]) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = next((key for key in keys if key.id == entry["key"]), None)
        if key is None:
            raise self._no_key()
        try:
            nonce, sealed = base64.b64decode(entry["nonce"]), base64.b64decode(entry["sealed"])
            return AESGCM(key.bits).decrypt(nonce, sealed, _bound(address))
        except (InvalidTag, ValueError):
            message = f"the secret {address} in {self.path} was changed, or is another one's"
            raise SecretError(message, help="store it again: `tunewright secret set`") from None

    def _no_key(self) -> SecretError:
        return SecretError(
            f"the key that {self.path} was sealed with is not in {self.key_file}",
            help="put the right key file there; without it the secrets have to be stored again in a new file",
        )

    def _entries(self) -> _Entries:
        try:
            value = json.loads(self.path.read_bytes())
            if value["version"] != _VERSION:
                raise SecretError(f"{self.path} was written by a later version of Tunewright")
            entries: _Entries = value["entries"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SecretError(f"{self.path} is no store of secrets: {error}") from None
        return entries

    @contextmanager
    def _changing(self) -> Iterator[_Entries]:
        """Let nobody else change the file meanwhile, and write it as a whole at the end."""
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            entries = self._entries()
            yield entries
            content = {"version": _VERSION, "entries": dict(sorted(entries.items()))}
            write_private(self.path, (json.dumps(content, indent=1) + "\n").encode("utf-8"))
        finally:
            os.close(descriptor)


def _sealed(address: str, value: bytes, key: Key) -> dict[str, Any]:
    # Imported at first use: most daemons have no such store.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key.bits).encrypt(nonce, value, _bound(address))
    texts = {"nonce": nonce, "sealed": sealed}
    return {"key": key.id, "time": time.time(), **{k: base64.b64encode(v).decode("ascii") for k, v in texts.items()}}


def _bound(address: str) -> bytes:
    """What the entry belongs to: moved to another project or name, it can't be opened."""
    return b"tunewright secret v1\0" + address.encode("utf-8")
