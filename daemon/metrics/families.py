"""From what was read to families of Prometheus: names, units and labels stand here and nowhere else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.devices.device import Sample
from tunewright.daemon.engine.states import DeploymentState
from tunewright.daemon.metrics.engines import EngineReading
from tunewright.daemon.metrics.machine import StorageReading
from tunewright.daemon.metrics.readings import StoreReading, Waiting
from tunewright.daemon.metrics.services import ServiceReading
from tunewright.daemon.metrics.training import TrainingReading
from tunewright.daemon.store.devices import DeviceRecord, DeviceState

_Family = TypeVar("_Family", GaugeMetricFamily, CounterMetricFamily)
_Rows = Iterable[tuple[Sequence[str], float]]


def store_families(reading: StoreReading, now: Milliseconds) -> Iterator[Metric]:
    """Yield runs, queue, steps, attempts and alerts. A project where nothing waits has a queue of length 0, so that who
    watches it sees it end.
    """
    projects = sorted({project for project, _ in reading.runs})
    queue = {project: reading.queue.get(project, Waiting(count=0, since=now)) for project in projects}
    yield _gauge("tunewright_runs", "Runs by project and state.", ("project", "state"), reading.runs.items())
    yield _gauge(
        "tunewright_queue_length",
        "Runs that have not begun, by project.",
        ("project",),
        [((project,), queue[project].count) for project in projects],
    )
    yield _gauge(
        "tunewright_queue_oldest_wait_seconds",
        "For how long the oldest run that has not begun waits, by project.",
        ("project",),
        [((project,), max(0, now - queue[project].since) / 1000) for project in projects],
    )
    yield _gauge(
        "tunewright_queue_steps",
        "Steps that could begin and wait for room on the machine, by project.",
        ("project",),
        [((project,), reading.waiting_steps.get(project, 0)) for project in projects],
    )
    yield _gauge(
        "tunewright_leases",
        "Accelerators and CPU slots that steps and services have, by project.",
        ("project", "unit"),
        reading.leases.items(),
    )
    yield _gauge("tunewright_steps", "Steps by kind and state.", ("kind", "state"), reading.steps.items())
    outcomes = [((outcome,), count) for outcome, count in reading.attempts.items()]
    yield _counter("tunewright_attempts", "Attempts that have ended, by outcome.", ("outcome",), outcomes)
    pending = [((sink,), count) for sink, count in reading.pending_alerts.items()]
    yield _gauge("tunewright_alerts_pending", "Alerts that a sink has not taken yet.", ("sink",), pending)


def storage_families(reading: StorageReading) -> Iterator[Metric]:
    """Yield sizes of the stores and of the disk below them."""
    for name, meaning, sizes in (
        ("tunewright_store_size_bytes", "Size of a store's main file.", reading.main_bytes),
        ("tunewright_store_wal_size_bytes", "Size of a store's write-ahead log.", reading.wal_bytes),
    ):
        yield _gauge(name, meaning, ("store",), [((store,), size) for store, size in sizes.items()])
    yield _gauge("tunewright_home_disk_free_bytes", "Free bytes where the home lies.", (), [((), reading.free_bytes)])
    yield _gauge("tunewright_home_disk_size_bytes", "Size of the disk of the home.", (), [((), reading.disk_bytes)])


def follower_families(count: int, longest_wait_seconds: float) -> Iterator[Metric]:
    """Yield how many watch runs, and whether they keep up."""
    yield _gauge("tunewright_watchers", "Streams that follow a run.", (), [((), count)])
    yield _gauge(
        "tunewright_event_lag_seconds",
        "For how long the slowest watcher has not taken events that are ready for it.",
        (),
        [((), longest_wait_seconds)],
    )


_SERVICE = ("project", "deployment")


def service_families(readings: Sequence[ServiceReading]) -> Iterator[Metric]:
    """Yield deployments: as we see them by asking, and as their engines count."""

    def rows(value: Callable[[ServiceReading], float | None]) -> _Rows:
        found = [((item.record.project, item.record.name), value(item)) for item in readings]
        return [(labels, number) for labels, number in found if number is not None]

    yield _gauge(
        "tunewright_deployment_up",
        "1 where a deployment is live and answered the last question.",
        _SERVICE,
        rows(lambda item: item.record.state is DeploymentState.LIVE and (item.heard is None or item.heard.well)),
    )
    yield _gauge(
        "tunewright_deployment_restarts",
        "How often in a row a deployment was started again without having been stable.",
        _SERVICE,
        rows(lambda item: item.record.restarts),
    )
    yield _gauge(
        "tunewright_deployment_probe_seconds",
        "How long the last answer to our own question took; requests of users are not meant.",
        _SERVICE,
        rows(lambda item: item.heard.seconds if item.heard else None),
    )
    yield _counter(
        "tunewright_deployment_probe_failures",
        "Questions that were not answered well, since the deployment's start.",
        _SERVICE,
        rows(lambda item: item.heard.missed if item.heard else None),
    )
    yield from _engine_families([(item, item.engine) for item in readings if item.engine is not None])


def _engine_families(found: Sequence[tuple[ServiceReading, EngineReading]]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "tunewright_deployment_requests",
        "Requests of users by class of HTTP status, as the engine counts them.",
        labels=(*_SERVICE, "code"),
    )
    seconds = HistogramMetricFamily(
        "tunewright_deployment_request_seconds",
        "From a request for a completion to the end of its answer, as the engine counts.",
        labels=_SERVICE,
    )
    for item, engine in found:
        labels = [item.record.project, item.record.name]
        for code, count in engine.requests.items():
            requests.add_metric([*labels, code], count)
        if engine.buckets:
            seconds.add_metric(labels, list(engine.buckets), engine.seconds_sum)
    yield requests
    yield seconds


_DEVICE = ("device", "uuid", "kind")
#: Name, meaning, and where a sample has it.
_SAMPLES: tuple[tuple[str, str, Callable[[Sample], float | None]], ...] = (
    ("utilization_ratio", "Share of the last moment in which a device computed.", lambda sample: sample.utilization),
    ("memory_used_bytes", "Memory of a device that is in use.", lambda sample: sample.memory_used_bytes),
    ("temperature_celsius", "Temperature of a device.", lambda sample: sample.temperature_celsius),
    ("power_watts", "Power that a device takes.", lambda sample: sample.power_watts),
)


def device_families(records: Sequence[DeviceRecord], samples: Mapping[str, Sample]) -> Iterator[Metric]:
    """Yield accelerators: where they stand, and how they were at the last look."""
    labelled = [((str(item.device.index), item.uuid, item.device.kind), item) for item in records]
    yield _gauge(
        "tunewright_accelerator_up",
        "1 where a device answered the last look.",
        _DEVICE,
        [(labels, item.uuid in samples) for labels, item in labelled],
    )
    yield _gauge(
        "tunewright_accelerator_state",
        "1 for the state that a device is in, 0 for the others.",
        (*_DEVICE, "state"),
        [((*labels, state), item.state is state) for labels, item in labelled for state in DeviceState],
    )
    yield _gauge(
        "tunewright_accelerator_memory_bytes",
        "Memory of a device.",
        _DEVICE,
        [(labels, item.device.memory_bytes) for labels, item in labelled],
    )
    for name, meaning, value in _SAMPLES:
        found = [(labels, value(samples[item.uuid])) for labels, item in labelled if item.uuid in samples]
        rows = [(labels, number) for labels, number in found if number is not None]
        yield _gauge(f"tunewright_accelerator_{name}", meaning, _DEVICE, rows)


_TRAINING = ("project", "spec", "run", "step")
#: Figure of a runner -> the rest of the family's name, and its meaning.
_FIGURES = (
    ("loss", "loss", "Loss of the newest update"),
    ("tokens_per_second", "tokens_per_second", "Tokens that are trained on a second"),
    ("learning_rate", "learning_rate", "Learning rate of the newest update"),
    ("grad_norm", "gradient_norm", "Norm of the gradient of the newest update"),
)


def training_families(readings: Sequence[TrainingReading]) -> Iterator[Metric]:
    """Yield trainings that run now: an ended one is gone at the next scrape, so their labels stay few."""
    labelled = [((item.of.project, item.of.spec_name, item.of.run, item.of.step), item) for item in readings]
    steps = [(labels, item.training_step) for labels, item in labelled]
    yield _gauge(
        "tunewright_training_step",
        "Updates that a training has done.",
        _TRAINING,
        [(labels, step) for labels, step in steps if step is not None],
    )
    for figure, name, meaning in _FIGURES:
        rows = [(labels, item.values[figure]) for labels, item in labelled if figure in item.values]
        yield _gauge(f"tunewright_training_{name}", f"{meaning}, of trainings that run now.", _TRAINING, rows)


def build_family(version: str, store_schema: int) -> Metric:
    """Return what answers here."""
    labels = ((version, str(store_schema)),)
    rows = [(item, 1.0) for item in labels]
    return _gauge("tunewright_build_info", "The version that runs.", ("version", "store_schema"), rows)


def _gauge(name: str, meaning: str, labels: Sequence[str], rows: _Rows) -> Metric:
    return _filled(GaugeMetricFamily(name, meaning, labels=labels), rows)


def _counter(name: str, meaning: str, labels: Sequence[str], rows: _Rows) -> Metric:
    return _filled(CounterMetricFamily(name, meaning, labels=labels), rows)


def _filled(family: _Family, rows: _Rows) -> _Family:
    for labels, value in rows:
        family.add_metric(list(labels), float(value))
    return family
