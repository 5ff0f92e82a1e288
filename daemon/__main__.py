"""`python -P -m tunewright.daemon --home DIR [--listen ADDRESS] [--private]`: what `tunewright daemon` runs."""

import argparse
import sys
from pathlib import Path

from tunewright.daemon.app import serve
from tunewright.daemon.settings import Settings


def settings_from(arguments: list[str]) -> Settings:
    """Return the settings that a command line asks for."""
    parser = argparse.ArgumentParser(prog="tunewright daemon")
    parser.add_argument("--home", type=Path, required=True, help="folder that holds store, bundles and artifacts")
    parser.add_argument("--listen", metavar="ADDRESS", help="loopback address with port, beside the Unix socket")
    parser.add_argument("--private", action="store_true", help="end when nobody uses it")
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="with --private: how long that is")
    found = parser.parse_args(arguments)
    return Settings(
        home=found.home.absolute(), listen=found.listen, private=found.private, idle_seconds=found.idle_seconds
    )


if __name__ == "__main__":
    sys.exit(serve(settings_from(sys.argv[1:])))
