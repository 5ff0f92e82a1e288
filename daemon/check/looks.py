"""Look at a daemon and its home without changing anything: no lock is taken, nothing is written."""

import os
import shutil
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from tunewright.compiler.collect.policy import PolicyFileError, find_policy
from tunewright.daemon.access.oidc import check_issuer
from tunewright.daemon.access.site import AccessError
from tunewright.daemon.alerts.reading import read_alerts
from tunewright.daemon.alerts.settings import AlertSettingsError
from tunewright.daemon.check.credentials import look_at_credentials
from tunewright.daemon.check.finding import Finding, Level
from tunewright.daemon.errors import RefusedError, in_words
from tunewright.daemon.home import Home
from tunewright.daemon.listening import read_site
from tunewright.daemon.metrics.endpoint import check_metrics_address
from tunewright.daemon.retention.reading import read_retention
from tunewright.daemon.secrets.providers import providers_of
from tunewright.daemon.settings import Settings, SettingsError, SettingsFileError
from tunewright.daemon.store import deployments, runs, schema
from tunewright.runners.supervision.environment import BUNDLE_NAME
from tunewright.spec.binding import bind_policy
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.document import Document
from tunewright.spec.syntax import parse

_GIB = 2**30
_FEW_BYTES, _NO_BYTES = 10 * _GIB, _GIB
_FEW_FILES = 10_000
_UNSOUND = (AccessError, AlertSettingsError, PolicyFileError, RefusedError, SettingsFileError, OSError)
_Look = Callable[[Settings, Home], Iterator[Finding]]


def look(settings: Settings) -> list[Finding]:
    """Return what is found in the order in which people should read it."""
    home = Home(settings.home)
    try:
        os.scandir(home.root).close()
    except PermissionError:
        message = f"user {os.getuid()} may not look into {home.root}"
        return [_bad("home", message, "check as the daemon's user: runuser -u USER -- tunewright daemon check")]
    except OSError:
        pass  # said about the home
    return [finding for part in LOOKS for finding in part(settings, home)]


def _home(settings: Settings, home: Home) -> Iterator[Finding]:
    try:
        settings.check()
        status = home.root.stat()
    except SettingsError as error:
        yield _bad("home", str(error))
    except OSError as error:
        yield _bad("home", f"{home.root}: {error.strerror}", "a daemon makes it when it starts")
    else:
        if stat.S_IMODE(status.st_mode) & 0o077:
            yield _bad("home", f"{home.root} is open to others", f"chmod 700 {home.root}")
        elif status.st_uid != os.getuid():
            message = f"{home.root} belongs to user {status.st_uid}, and this is user {os.getuid()}"
            yield _doubt("home", message, "check as the daemon's user: permissions and processes are theirs")
        else:
            yield _well("home", f"{home.root} is closed to others")


def _daemon(_: Settings, home: Home) -> Iterator[Finding]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trying:
        trying.settimeout(5.0)
        try:
            trying.connect(str(home.socket))
        except OSError as error:
            message = f"no daemon listens on {home.socket}: {error.strerror or error}"
            yield _bad("daemon", message, "start it; what runs goes on meanwhile")
            return
    owner = (home.root / "daemon.lock").read_text(encoding="ascii", errors="replace").strip()
    yield _well("daemon", f"pid {owner} listens on {home.socket}")


def _store(_: Settings, home: Home) -> Iterator[Finding]:
    if not home.database.exists():
        yield _doubt("store", f"there is no store {home.database}", "a daemon makes it when it starts")
        return
    try:
        with closing(_opened(home.database)) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            open_runs = runs.count_active(connection) if version == len(schema.MIGRATIONS) else None
    except sqlite3.Error as error:
        yield _bad("store", f"{home.database} can't be read: {error}", "put a backup in its place (docs/keeping.md)")
        return
    if version > len(schema.MIGRATIONS):
        message = f"the store has version {version}, this Tunewright knows {len(schema.MIGRATIONS)}"
        yield _bad("store", message, "install the newer one again, or see docs/operating.md for the way back")
    elif open_runs is None:
        yield _well("store", f"version {version}; the next start of this Tunewright upgrades it")
    else:
        yield _well("store", f"version {version}, {open_runs} runs have not ended")


def _disk(_: Settings, home: Home) -> Iterator[Finding]:
    if not home.root.exists():
        return
    free, files = shutil.disk_usage(home.root).free, os.statvfs(home.root)
    level = Level.ERROR if free < _NO_BYTES else Level.WARNING if free < _FEW_BYTES else Level.OK
    help_text = "" if level is Level.OK else "make room: `tunewright gc --dry-run` says what nothing keeps"
    yield Finding(name="disk", level=level, message=f"{free / _GIB:.1f} GiB are free at {home.root}", help=help_text)
    if files.f_files and files.f_favail < _FEW_FILES:  # some file systems do not count them
        yield _doubt("disk", f"{files.f_favail} more files fit on the disk of {home.root}", help_text)


def _processes(_: Settings, home: Home) -> Iterator[Finding]:
    """Whoever works for an attempt carries its bundle in the environment."""
    found = _workers(home)
    try:
        with closing(_opened(home.database)) as connection:
            known = {*runs.active_ids(connection), *(record.run for record in deployments.alive(connection))}
    except sqlite3.Error:
        return  # said about the store already
    left = {run: pids for run, pids in found.items() if run not in known}
    for run, pids in sorted(left.items()):
        message = f"run {run} has ended, and processes of it are there: {', '.join(map(str, pids))}"
        yield _doubt("processes", message, "look again in a minute; then end them with `kill`")
    if not left:
        yield _well("processes", f"{sum(map(len, found.values()))} at work, none left over")


def _files(settings: Settings, home: Home) -> Iterator[Finding]:
    readers: tuple[tuple[str, Callable[[], object]], ...] = (
        ("access", lambda: _read_access(settings)),
        ("policy", lambda: _read_policy(home.root, settings.policy)),
        ("retention", lambda: read_retention(home.root)),
        ("secrets", lambda: providers_of(home, settings.secrets)),
        ("alerts", lambda: read_alerts(settings.alerts_file, needed=settings.alerts is not None)),
    )
    for name, read in readers:
        try:
            read()
        except _UNSOUND as error:
            yield _bad(name, in_words(error).replace("\n", "; "))
        else:
            yield _well(name, "its file is sound, or there is none")


def _credentials(settings: Settings, _: Home) -> Iterator[Finding]:
    try:
        site = read_site(settings.access_file)()
    except (AccessError, OSError):
        return  # said about the file already
    yield from look_at_credentials(site)


def _read_access(settings: Settings) -> None:
    """What the daemon looks at when it starts, beside what the file itself shows."""
    site = read_site(settings.access_file)()
    if site.metrics is not None:
        check_metrics_address(site.metrics, site)
    if site.oidc is not None:
        check_issuer(site.oidc.issuer)


def _read_policy(home: Path, chosen: Path | None) -> None:
    source, sink = find_policy(home, None if chosen is None else str(chosen)), DiagnosticSink()
    if source is None:
        return
    root = parse(source, sink)
    if root is not None:
        bind_policy(Document(source, root), sink)
    for finding in sink:
        place = finding.primary.span
        raise PolicyFileError(f"{source.name}:{place.begin.line}:{place.begin.column}: {finding.message}")


def _workers(home: Home) -> dict[str, list[int]]:
    """Return the processes of this user that work for attempts, by run."""
    start = os.fsencode(f"{BUNDLE_NAME}={os.path.realpath(home.root / 'bundles')}/")
    found: dict[str, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for word in words:
            if word.startswith(start):
                found.setdefault(os.fsdecode(word[len(start) :]).split("/")[0], []).append(int(folder.name))
    return found


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
    connection.row_factory = sqlite3.Row
    return connection


def _well(name: str, message: str) -> Finding:
    return Finding(name=name, level=Level.OK, message=message)


def _doubt(name: str, message: str, help: str = "") -> Finding:  # noqa: A002 - the word users read
    return Finding(name=name, level=Level.WARNING, message=message, help=help)


def _bad(name: str, message: str, help: str = "") -> Finding:  # noqa: A002 - the word users read
    return Finding(name=name, level=Level.ERROR, message=message, help=help)


LOOKS: tuple[_Look, ...] = (_home, _daemon, _store, _disk, _processes, _files, _credentials)
