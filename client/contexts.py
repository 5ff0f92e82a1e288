"""Names for daemons elsewhere, with what this user shows them: a YAML file, written by `tunewright access context`."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tunewright.client.credentials import Credentials
from tunewright.client.errors import CredentialError

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A daemon, the project to work in, and files of credentials; empty for none."""

    daemon: str = ""
    project: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    token_file: str = ""

    @property
    def credentials(self) -> Credentials:
        """Return what to show the daemon; raise CredentialError for what does not go together."""
        piped = self.token_file == STANDARD_INPUT
        return Credentials(
            authority=_path(self.ca),
            certificate=_path(self.cert),
            key=_path(self.key),
            token_file=None if piped else _path(self.token_file),
            token_text=sys.stdin.readline().strip() if piped else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """All of them by name, and the one that counts where none is named."""

    contexts: Mapping[str, Context]
    current: str = ""

    def named(self, name: str) -> Context:
        """Return one, or the current one for no name (an empty one without any); raise CredentialError."""
        chosen = name or self.current
        if not chosen:
            return Context()
        if chosen not in self.contexts:
            known = ", ".join(self.contexts) or "none yet"
            raise CredentialError(f"there is no context `{chosen}`", help=f"known are: {known}")
        return self.contexts[chosen]


def load(path: Path) -> Contexts:
    """Return what the file says, nothing where there is none; raise CredentialError for one that is wrong."""
    if not path.exists():
        return Contexts(contexts={})
    import yaml

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        contexts = {str(name): Context(**entry) for name, entry in value.get("contexts", {}).items()}
        return Contexts(contexts=contexts, current=str(value.get("current") or ""))
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        known = ", ".join(field.name for field in fields(Context))
        help_text = f"each of `contexts` has only: {known}"
        raise CredentialError(f"{path} can't be read: {str(error).splitlines()[0]}", help=help_text) from None


def save(path: Path, contexts: Contexts) -> None:
    """Write the file whole, for this user alone."""
    import yaml

    value: dict[str, Any] = {"current": contexts.current} if contexts.current else {}
    value["contexts"] = {
        name: {key: text for key, text in asdict(entry).items() if text} for name, entry in contexts.contexts.items()
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        yaml.safe_dump(value, stream, sort_keys=False)
    aside.replace(path)


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
