"""`python -P -m tunewright.daemon --home DIR [--listen ADDRESS] [--private]`: what `tunewright daemon` runs.

With `--export`, `--back-up`, `--restore`, `--verify` or `--check` it does that with the home and ends.
"""

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from tunewright.daemon.app import serve
from tunewright.daemon.backup.manifest import BackupError
from tunewright.daemon.backup.restore import restore
from tunewright.daemon.backup.save import back_up
from tunewright.daemon.backup.verify import verify
from tunewright.daemon.errors import in_words
from tunewright.daemon.home import Home, HomeTakenError
from tunewright.daemon.settings import Settings
from tunewright.daemon.store.export import ExportError, export_tables

_DEVICES = "TUNEWRIGHT_DEVICES"


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return what a command line asks for."""
    parser = argparse.ArgumentParser(prog="tunewright daemon")
    parser.add_argument("--home", type=Path, required=True, help="folder that holds store, bundles and artifacts")
    parser.add_argument("--listen", metavar="ADDRESS", help="loopback address with port, beside the Unix socket")
    parser.add_argument("--anonymous", action="store_true", help="callers on that address need no credential")
    parser.add_argument("--access", type=Path, metavar="FILE", help="who may call, from where, and do what")
    parser.add_argument("--metrics", metavar="ADDRESS", help="serve /metrics for Prometheus there, over HTTP")
    parser.add_argument("--log-format", choices=("text", "json"), help="default: text on a terminal, else json")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="hold every spec to this policy")
    parser.add_argument("--secrets", type=Path, metavar="FILE", help="where secrets come from (TUNEWRIGHT_SECRETS)")
    parser.add_argument("--alerts", type=Path, metavar="FILE", help="where alerts go")
    parser.add_argument("--private", action="store_true", help="end when nobody uses it")
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="with --private: how long that is")
    parser.add_argument("--slots", type=int, default=1, metavar="N", help="steps that may use the processor at once")
    parser.add_argument(
        "--devices",
        type=Path,
        metavar="FILE",
        default=os.environ.get(_DEVICES),
        help=f"take the accelerators in FILE for those of this machine, for tests (or {_DEVICES}=FILE)",
    )
    parser.add_argument(
        "--cgroup", type=Path, metavar="DIR", help="control group to make those of steps in (default: found by itself)"
    )
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the store as JSON lines into DIR, and end")
    parser.add_argument("--back-up", type=Path, metavar="DIR", help="write a backup to the new folder DIR, and end")
    parser.add_argument("--checkpoints", action="store_true", help="with --back-up: work folders of attempts too")
    parser.add_argument("--restore", type=Path, metavar="DIR", help="put the backup in DIR into the home, and end")
    parser.add_argument("--verify", type=Path, metavar="DIR", help="read the backup in DIR as a whole, and end")
    parser.add_argument("--check", choices=("text", "json"), help="say how daemon and home are, and end")
    return parser.parse_args(arguments)


def settings_from(found: argparse.Namespace) -> Settings:
    """Return the settings of a daemon."""
    return Settings(
        home=found.home.absolute(),
        listen=found.listen,
        anonymous=found.anonymous,
        access=found.access and found.access.absolute(),
        metrics=found.metrics,
        log_format=found.log_format,
        policy=found.policy and found.policy.absolute(),
        secrets=_secrets_file(found.secrets),
        alerts=found.alerts and found.alerts.absolute(),
        private=found.private,
        idle_seconds=found.idle_seconds,
        cgroup=found.cgroup,
        slots=found.slots,
        devices=found.devices and Path(found.devices).absolute(),
    )


def _secrets_file(named: Path | None) -> Path | None:
    chosen = named or os.environ.get("TUNEWRIGHT_SECRETS")
    return Path(chosen).absolute() if chosen else None


def export(home: Home, folder: Path) -> str:
    """Export the store of a home and return what came out."""
    counts = export_tables(home.database, folder)
    return "".join(f"{count:8d}  {folder / name}.jsonl\n" for name, count in counts.items())


def backed_up(home: Home, folder: Path, *, checkpoints: bool) -> str:
    """Make a backup and return what it holds."""
    made = back_up(home, folder, checkpoints=checkpoints)
    lines = [f"{folder}: the store, {len(made.artifacts)} artifacts, {len(made.files)} files; read again and whole\n"]
    if made.absent:
        lines.append(
            f"{len(made.absent)} artifacts were not whole in {home.root} and are left out; a run makes them anew\n"
        )
    return "".join(lines)


def put_back(home: Home, folder: Path) -> str:
    """Restore a backup and return what has to be done now."""
    done = restore(folder, home)
    lines = [f"{home.root}: {done.runs} runs; nothing goes on by itself\n"]
    lines += [f"run {run} rests: `tunewright resume {run}` lets it go on\n" for run in done.resting]
    lines += [f"deployment {name} has ended: run its spec again\n" for name in done.ended_deployments]
    lines += ["secrets are not part of a backup: store them again with `tunewright secret set`\n"]
    return "".join(lines)


def verified(folder: Path) -> str:
    """Verify a backup and return what it holds."""
    found = verify(folder)
    return f"{folder}: whole; the store, {len(found.artifacts)} artifacts, {len(found.files)} files\n"


def checked(settings: Settings, form: str) -> int:
    """Say how daemon and home are; return the worst of it: 0 well, 1 a warning, 2 an error."""
    # Only who asks pays for what reads all those files.
    from tunewright.daemon.check.finding import as_json, as_text, worst
    from tunewright.daemon.check.looks import look

    findings = look(settings)
    sys.stdout.write(as_json(findings) if form == "json" else as_text(findings))
    return worst(findings)


def main(arguments: list[str]) -> int:
    """Run the daemon, or the one thing that is asked for, and return the exit code."""
    found = parsed(arguments)
    home = Home(found.home.absolute())
    if found.export is not None:
        return _tell(lambda: export(home, found.export))
    if found.back_up is not None:
        return _tell(lambda: backed_up(home, found.back_up, checkpoints=found.checkpoints))
    if found.restore is not None:
        return _tell(lambda: put_back(home, found.restore))
    if found.verify is not None:
        return _tell(lambda: verified(found.verify))
    if found.check is not None:
        return checked(settings_from(found), found.check)
    return serve(settings_from(found))


def _tell(work: Callable[[], str]) -> int:
    try:
        sys.stdout.write(work())
    except (ExportError, BackupError, HomeTakenError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"error: {in_words(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
