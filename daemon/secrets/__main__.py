"""`python -P -m tunewright.daemon.secrets --home DIR VERB ...`: what `tunewright secret` asks to be done.

Answers one JSON object on stdout, with `error` and `help` and code 1 where it can't be done. A value comes on stdin,
and goes to stdout with `read` alone; it is never an argument.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from tunewright.daemon.errors import in_words
from tunewright.daemon.home import Home
from tunewright.daemon.secrets.encrypted import EncryptedProvider
from tunewright.daemon.secrets.provider import MAX_BYTES, SecretError, is_name
from tunewright.daemon.secrets.providers import Providers, providers_of
from tunewright.daemon.settings import SettingsFileError


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return what a command line asks for."""
    parser = argparse.ArgumentParser(prog="tunewright.daemon.secrets")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--secrets", type=Path)
    parser.add_argument("--project", default="default")
    parser.add_argument("verb", choices=("set", "list", "remove", "rotate-key", "read"))
    parser.add_argument("name", nargs="?", default="")
    return parser.parse_args(arguments)


def answer(found: argparse.Namespace, home: Home, providers: Providers) -> dict[str, Any]:
    """Do what is asked for and return what to tell; raise SecretError."""
    if found.verb in ("set", "remove") and not is_name(found.name):
        raise SecretError(f"`{found.name}` is not a name of a secret", help="letters, digits and `_`, at most 64")
    match found.verb:
        case "set":
            return _kept(found, home, providers)
        case "remove":
            return {"removed": providers.keeper.remove(found.project, found.name)}
        case "rotate-key":
            store = providers.encrypted
            return {"secrets": store.rotate(), "key_file": str(store.key_file)}
        case _:
            now = time.time()
            held = providers.held(found.project)
            rows = [
                {
                    "name": item.name,
                    "provider": item.provider,
                    "age_seconds": None if item.modified is None else max(0, round(now - item.modified)),
                }
                for item in held
            ]
            return {"secrets": rows, "providers": [place.kind for place in providers.places]}


def _kept(found: argparse.Namespace, home: Home, providers: Providers) -> dict[str, Any]:
    value = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(value) > MAX_BYTES:
        raise SecretError(f"a secret has at most {MAX_BYTES} bytes")
    keeper = providers.keeper
    begun = isinstance(keeper, EncryptedProvider) and not keeper.key_file.exists()
    home.create()
    keeper.keep(found.project, found.name, value)
    made = {"key_file": str(keeper.key_file)} if begun and isinstance(keeper, EncryptedProvider) else {}
    return {"provider": keeper.kind, **made}


def main(arguments: list[str]) -> int:
    """Answer one question and return the exit code."""
    found = parsed(arguments)
    home = Home(found.home.absolute())
    try:
        providers = providers_of(home, found.secrets and found.secrets.absolute())
        if found.verb == "read":
            sys.stdout.buffer.write(providers.read(found.project, found.name) or b"")
            return 0
        told = answer(found, home, providers)
    except (SecretError, SettingsFileError, OSError) as error:
        sys.stdout.write(json.dumps({"error": in_words(error), "help": getattr(error, "help", "")}) + "\n")
        return 1
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
