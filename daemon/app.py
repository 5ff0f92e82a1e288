"""The composition root: what a daemon is made of, how it starts, and how it ends."""

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from tunewright.compiler.collect.policy import PolicyFileError, find_policy
from tunewright.daemon.access.rules import MissingRuleError, check_complete
from tunewright.daemon.access.site import AccessError, Site
from tunewright.daemon.alerts.reading import read_alerts
from tunewright.daemon.alerts.settings import AlertSettingsError
from tunewright.daemon.aside import Aside, AsideError
from tunewright.daemon.clock import Clock, system_clock
from tunewright.daemon.compile import Compiler
from tunewright.daemon.engine.maintenance import MaintenanceKeeper
from tunewright.daemon.errors import in_words
from tunewright.daemon.home import Home, HomeTakenError
from tunewright.daemon.keepers import Keepers
from tunewright.daemon.listening import ListenError, listen, read_site, share
from tunewright.daemon.log.setup import start_log
from tunewright.daemon.measures import NO_MEASURES, Measures
from tunewright.daemon.parts import Parts, assemble
from tunewright.daemon.service_manager import take_service_manager
from tunewright.daemon.services.register import SERVICES, add_services, build_border, methods
from tunewright.daemon.settings import Settings, SettingsError, SettingsFileError
from tunewright.daemon.store.schema import SchemaError
from tunewright.daemon.watchdog import Watchdog

if TYPE_CHECKING:
    from tunewright.daemon.metrics.scraping import Scraping

_log = logging.getLogger(__name__)

EXIT_REFUSED = 3
#: Another daemon has the home, now: whoever restarts services should try again, as that may be a private one that ends.
EXIT_TAKEN = 1
_STORE_HELP = (
    "move it away to begin a new one (bundles and artifacts stay where they are), or put a backup in its place"
)
_GRACE_SECONDS = 2.0
_REFUSALS = (
    SettingsError, AccessError, AlertSettingsError, MissingRuleError, AsideError,
    PolicyFileError, OSError,
)  # fmt: skip
#: The name under which health says whether steps begin.
EXECUTION = "tunewright.v1.Execution"
_OPTIONS = (
    # gRPC shares ports by default: a second daemon would silently take half of the connections.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    # A peer whose cable was pulled is given up after 6 seconds, on a busy machine in less than 10.
    ("grpc.keepalive_time_ms", 3_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    # Newer versions of gRPC wait this long for the answer to a ping, a minute by default, whatever the line above says.
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.http2.max_pings_without_data", 0),
    # Clients may ask as often as we do; 2, because clocks and schedulers are not exact.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 2_000),
)


def serve(settings: Settings, compiler: Compiler | None = None, clock: Clock | None = None) -> int:
    """Run a daemon until it is stopped; return its exit code. `compiler` and `clock` replace ours in tests."""
    start_log(settings.log_format)
    with closing(Aside()) as aside:
        return _serve_with(aside, settings, compiler, clock or system_clock())


def _serve_with(aside: Aside, settings: Settings, compiler: Compiler | None, clock: Clock) -> int:
    home = Home(settings.home)
    try:
        settings.check()
        check_complete(methods())
        if settings.policy is not None:
            find_policy(settings.home, str(settings.policy))
        site = read_site(settings.access_file, aside)
        alerts = read_alerts(settings.alerts_file, aside, needed=settings.alerts is not None)
        home.create()
        owned = home.take()
    except HomeTakenError as error:
        _refuse(str(error))
        return EXIT_TAKEN
    except _REFUSALS as error:
        return _refuse(in_words(error))

    def made(measures: Measures) -> Parts:
        return assemble(settings, home, compiler, clock, site, measures, alerts, aside)

    try:
        return asyncio.run(_watched(settings, site, made))
    except (SchemaError, ListenError, AccessError, SettingsFileError) as error:
        return _refuse(str(error))
    except sqlite3.DatabaseError as error:
        return _refuse(f"the store {home.database} can't be opened ({error}); {_STORE_HELP}")
    finally:
        os.close(owned)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"tunewright daemon: {sentence}\n")
    return EXIT_REFUSED


async def _watched(settings: Settings, site: Callable[[], Site], made: Callable[[Measures], Parts]) -> int:
    with Watchdog(settings.hang_seconds).watching():
        scraping = _scraping(settings.metrics or site().metrics)
        return await _serve(made(scraping.measures if scraping else NO_MEASURES), scraping)


async def _serve(parts: Parts, scraping: "Scraping | None") -> int:
    settings, site, home = parts.settings, parts.site, parts.home
    manager = take_service_manager(os.environ, private=settings.private)
    border = build_border(parts)
    server = grpc.aio.server(interceptors=(border,), options=_OPTIONS)
    addresses = listen(server, settings, site(), home)
    shared = share(site(), home, parts.callers)
    addresses += tuple(item.address for item in shared)
    add_services(server, parts, addresses)
    vitals = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(vitals, server)

    if scraping is not None:
        await scraping.open(parts, border)
    _end_on_signals(parts.ending)
    # Before anybody looks at an attempt: what it was given says what must not be shown of what it wrote.
    await asyncio.to_thread(parts.delivery.sweep)
    parts.reconciler.start()
    keepers = Keepers()
    keepers.start("deployments", parts.deployments.keep)
    keepers.start("streams", border.streams.keep)
    keepers.start("devices", parts.devices.keep)
    keepers.start("collecting", parts.timetable.keep)
    keepers.start("health", lambda: _keep_health(vitals, parts.maintenance))
    keepers.start("alerts", parts.alerts.keep)
    keepers.start("first devices", lambda: _look_again_with_devices(parts))
    if settings.private:
        keepers.start("idle", lambda: _end_when_idle(parts))
    await server.start()
    for item in shared:
        keepers.start(f"socket {item.path}", item.serve)
    await _tell(vitals, health_pb2.HealthCheckResponse.SERVING)
    _log.info("ready on %s with home %s", ", ".join(addresses), home.root)
    manager.ready(_status(parts))
    keepers.start("service manager", lambda: manager.keep(lambda: _status(parts)))

    await parts.ending.wait()
    _log.info("ending; runners and deployments go on")
    manager.stopping()
    await _tell(vitals, health_pb2.HealthCheckResponse.NOT_SERVING)
    parts.changes.drain()
    await server.stop(_GRACE_SECONDS)
    if scraping is not None:
        scraping.close()
    keepers.cancel()
    for item in shared:
        item.close()
    await keepers.ended()
    await parts.reconciler.stop()
    await parts.database.close()
    parts.points.close()
    await asyncio.to_thread(parts.ledger.tracer.close)
    home.socket.unlink(missing_ok=True)
    return 0


def _status(parts: Parts) -> str:
    drained = "" if parts.maintenance.current() is None else ", in maintenance"
    return f"{parts.reconciler.active_runs} active runs, {parts.activity.calls} open calls{drained}"


def _scraping(address: str | None) -> "Scraping | None":
    if address is None:
        return None
    # Only a daemon that is scraped pays for what counts.
    from tunewright.daemon.metrics.scraping import prepare

    return prepare(address)


def _end_on_signals(ending: asyncio.Event) -> None:
    def end() -> None:
        if ending.is_set():
            os._exit(128 + signal.SIGTERM)  # asked twice: stop at once; the next start finds everything in the store
        ending.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


async def _look_again_with_devices(parts: Parts) -> None:
    """What runs is taken up without waiting for the driver, which may hang; what needs its devices begins after it."""
    await parts.devices.first_look()
    parts.reconciler.wake_all()


async def _end_when_idle(parts: Parts) -> None:
    """Deployments do not count: their supervisors outlive us, and the next daemon takes them up again."""
    limit = parts.settings.idle_seconds
    while parts.reconciler.active_runs or parts.activity.idle_seconds() < limit:
        await asyncio.sleep(min(1.0, limit / 4))
    _log.info("nobody has used this private daemon for %g s", limit)
    parts.ending.set()


async def _keep_health(vitals: HealthServicer, maintenance: MaintenanceKeeper) -> None:
    """A daemon in maintenance answers as ever: whether steps begin is a health of its own."""
    changed = asyncio.Event()
    maintenance.changed.append(changed.set)
    try:
        while True:
            changed.clear()
            begins = maintenance.current() is None
            serving = health_pb2.HealthCheckResponse.SERVING if begins else health_pb2.HealthCheckResponse.NOT_SERVING
            await vitals.set(EXECUTION, serving)
            await changed.wait()
    finally:
        maintenance.changed.remove(changed.set)


async def _tell(vitals: HealthServicer, state: health_pb2.HealthCheckResponse.ServingStatus) -> None:
    for service in ("", *SERVICES):
        await vitals.set(service, state)
