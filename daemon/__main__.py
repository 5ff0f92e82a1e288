"""`python -P -m tunewright.daemon --home DIR [--listen ADDRESS] [--private]`: what `tunewright daemon` runs."""

import argparse
import sys
from pathlib import Path

from tunewright.daemon.app import serve
from tunewright.daemon.home import Home
from tunewright.daemon.settings import Settings
from tunewright.daemon.store.export import ExportError, export_tables


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return what a command line asks for."""
    parser = argparse.ArgumentParser(prog="tunewright daemon")
    parser.add_argument("--home", type=Path, required=True, help="folder that holds store, bundles and artifacts")
    parser.add_argument("--listen", metavar="ADDRESS", help="loopback address with port, beside the Unix socket")
    parser.add_argument("--anonymous", action="store_true", help="callers on that address need no credential")
    parser.add_argument("--access", type=Path, metavar="FILE", help="who may call, from where, and do what")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="hold every spec to this policy")
    parser.add_argument("--private", action="store_true", help="end when nobody uses it")
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="with --private: how long that is")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the store as JSON lines into DIR, and end")
    return parser.parse_args(arguments)


def settings_from(found: argparse.Namespace) -> Settings:
    """Return the settings of a daemon."""
    return Settings(
        home=found.home.absolute(),
        listen=found.listen,
        anonymous=found.anonymous,
        access=found.access and found.access.absolute(),
        policy=found.policy and found.policy.absolute(),
        private=found.private,
        idle_seconds=found.idle_seconds,
    )


def export(home: Path, folder: Path) -> int:
    """Export the store of a home and say what came out; return the exit code."""
    try:
        counts = export_tables(Home(home.absolute()).database, folder)
    except (ExportError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write("".join(f"{count:8d}  {folder / name}.jsonl\n" for name, count in counts.items()))
    return 0


def main(arguments: list[str]) -> int:
    """Run the daemon, or the export, and return the exit code."""
    found = parsed(arguments)
    return export(found.home, found.export) if found.export is not None else serve(settings_from(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
