"""Deployments with what is known of how they do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tunewright.daemon.engine.liveness import Heard
from tunewright.daemon.metrics.engines import EngineReading
from tunewright.daemon.store.deployments import DeploymentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReading:
    """A deployment; `heard` is its last answer to our own questions, `engine` what its engine counts."""

    record: DeploymentRecord
    heard: Heard | None
    engine: EngineReading | None


def service_readings(
    records: Iterable[DeploymentRecord], heard: Mapping[int, Heard], engines: Mapping[int, EngineReading]
) -> list[ServiceReading]:
    """Return what is known of each deployment."""
    return [
        ServiceReading(record=record, heard=heard.get(record.id), engine=engines.get(record.id)) for record in records
    ]
