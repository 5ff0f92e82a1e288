"""The parts of a daemon and how they hang together."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from tunewright.compiler.collect.hardware import collect_hardware
from tunewright.daemon.access.callers import Callers
from tunewright.daemon.access.log import AccessLog
from tunewright.daemon.access.site import Site
from tunewright.daemon.alerts.delivering import Deliverer
from tunewright.daemon.alerts.keeping import AlertKeeper
from tunewright.daemon.alerts.raising import Raiser
from tunewright.daemon.alerts.settings import AlertSettings
from tunewright.daemon.aside import Aside
from tunewright.daemon.changes import Changes
from tunewright.daemon.clock import Clock
from tunewright.daemon.compile import Compiler, compile_with
from tunewright.daemon.devices.find import find_inventory
from tunewright.daemon.devices.keeper import DeviceKeeper
from tunewright.daemon.engine.admission import Admission
from tunewright.daemon.engine.attempts import AttemptKeeper
from tunewright.daemon.engine.deployments import DeploymentKeeper
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.maintenance import MaintenanceKeeper
from tunewright.daemon.engine.points import PointStore
from tunewright.daemon.engine.reconciler import Reconciler
from tunewright.daemon.engine.results import Results
from tunewright.daemon.engine.step_files import Interpreters, Sources
from tunewright.daemon.home import Home, cache_folder
from tunewright.daemon.measures import NO_MEASURES, Measures
from tunewright.daemon.queue.queue import Queue
from tunewright.daemon.queue.supply import Supply, device_holders
from tunewright.daemon.retention.collector import Collector
from tunewright.daemon.retention.timetable import Timetable
from tunewright.daemon.secrets.delivery import Delivery
from tunewright.daemon.secrets.providers import providers_of
from tunewright.daemon.services.border import Activity
from tunewright.daemon.settings import Settings
from tunewright.daemon.store.database import Database
from tunewright.daemon.supervise import Groups, find_groups
from tunewright.daemon.traces.find import find_tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that lives as long as the daemon; set `ending` to end it."""

    settings: Settings
    site: Callable[[], Site]
    home: Home
    clock: Clock
    database: Database
    changes: Changes
    activity: Activity
    access_log: AccessLog
    callers: Callers
    ledger: Ledger
    deployments: DeploymentKeeper
    reconciler: Reconciler
    admission: Admission
    compiler: Compiler
    collector: Collector
    timetable: Timetable
    points: PointStore
    delivery: Delivery
    devices: DeviceKeeper
    measures: Measures
    maintenance: MaintenanceKeeper
    groups: Groups
    alert_settings: Callable[[], AlertSettings]
    alerts: AlertKeeper
    queue: Queue
    ending: asyncio.Event


def assemble(
    settings: Settings,
    home: Home,
    compiler: Compiler | None,
    clock: Clock,
    site: Callable[[], Site] = Site,
    measures: Measures = NO_MEASURES,
    alerts: Callable[[], AlertSettings] = AlertSettings,
    aside: Aside | None = None,
) -> Parts:
    """Return the parts of a daemon that owns `home`; the store is open and its writer runs.

    `site` answers what the site has decided about access, `alerts` where alerts go; nothing, by default. `measures`
    counts what happens, `aside` does what needs the libraries of the language; without it they come into this process.
    Raises SettingsFileError where the file that says where secrets come from is wrong.
    """
    environments = cache_folder() / "environments"
    interpreters = Interpreters(environments)
    database, changes = Database(home.database, measures), Changes()
    database.start(changes.ring)
    ledger = Ledger(database, clock, measures, find_tracer(os.environ, database.store_id))
    delivery = Delivery(home, providers_of(home, settings.secrets))
    groups = find_groups(settings.cgroup)
    sources = Sources(home, interpreters, delivery, groups)
    devices = DeviceKeeper(
        database, clock, find_inventory(settings.devices), home.root / "bundles", leased=device_holders
    )
    maintenance = MaintenanceKeeper(database=database, clock=clock)
    machine = Supply(
        database=database,
        keeper=devices,
        maintenance=maintenance,
        slots=settings.slots,
        memory_bytes=collect_hardware().memory_bytes,
    )
    deployments = DeploymentKeeper(ledger, sources, machine)
    points = PointStore(home.points)
    keeper = AttemptKeeper(ledger, sources, points, machine)
    queue = Queue(database=database, clock=clock, machine=machine, weights=lambda: site().weights)
    reconciler = Reconciler(ledger, home, keeper, deployments, maintenance, queue, devices.wake)
    maintenance.changed.append(reconciler.wake_all)
    deployments.ended = reconciler.released
    devices.changed = reconciler.wake_all
    collector = Collector(database=database, home=home, clock=clock, in_use=keeper.in_use, aside=aside)
    return Parts(
        settings=settings,
        site=site,
        home=home,
        clock=clock,
        database=database,
        changes=changes,
        activity=Activity(),
        access_log=AccessLog(database, clock, measures),
        callers=Callers(),
        ledger=ledger,
        deployments=deployments,
        reconciler=reconciler,
        admission=Admission(
            database,
            clock,
            Results(database.read, home),
            interpreters,
            delivery.providers,
            machine,
            devices.first_look,
            alerts,
        ),
        compiler=compiler
        or compile_with(
            home.root,
            environments,
            settings.policy,
            devices.for_plans,
            lambda project: alerts().names_for(project),
            aside,
        ),
        collector=collector,
        timetable=Timetable(collector=collector, home=home, now=clock.now),
        points=points,
        delivery=delivery,
        devices=devices,
        measures=measures,
        maintenance=maintenance,
        groups=groups,
        alert_settings=alerts,
        alerts=AlertKeeper(Raiser(database, clock, alerts), Deliverer(database, clock, alerts), changes),
        queue=queue,
        ending=asyncio.Event(),
    )
