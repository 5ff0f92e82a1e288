"""What the passes ask to be found out before they run: everything in a spec that points at the world."""

from collections.abc import Mapping
from dataclasses import field

from tunewright.compiler.ir.pins import DataPin, ModelPin
from tunewright.spec.record import record


@record(kw_only=True)
class DataRequest:
    """A data set: its sources as written, its declared format, its own names for columns, and texts replaced in it.

    `pin` says what files a data set on a hub is held to; `limit` how many rows are used.
    """

    sources: tuple[str, ...]
    format: str | None = None
    columns: Mapping[str, str] | None = None
    replace: Mapping[str, str] | None = None
    pin: DataPin | None = None
    limit: int | None = None


@record(kw_only=True)
class SuiteRequest:
    """A suite's file as written, the metric that scores it, and how many rows are used."""

    file: str
    metric: str | None = None
    limit: int | None = None


@record(kw_only=True)
class ResourceRequest:
    """The machine that a spec states: accelerator by name, how many in each of how many nodes, host memory in bytes."""

    accelerator: str
    count: int = 1
    nodes: int = 1
    memory_bytes: int | None = None
    cpu_cores: int | None = None


@record(kw_only=True)
class FactRequest:
    """Model sources, data sets and suites by name, other files as written; `resources` if stated. `pins` says which
    revision and files some of the models are held to. `plug_ins` are the kinds of plug-ins that are named. `scratch`:
    folders that steps keep their states in.
    """

    models: tuple[str, ...] = ()
    pins: Mapping[str, ModelPin] = field(default_factory=dict)
    data: Mapping[str, DataRequest] = field(default_factory=dict)
    suites: Mapping[str, SuiteRequest] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    plug_ins: tuple[str, ...] = ()
    scratch: tuple[str, ...] = ()
    resources: ResourceRequest | None = None
