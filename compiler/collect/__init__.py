"""Gather the facts that a compilation may know. The only part of the compiler that looks at the world."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.data import collect_data, collect_suite
from tunewright.compiler.collect.files import collect_file
from tunewright.compiler.collect.hardware import collect_hardware, stated_hardware
from tunewright.compiler.collect.models import collect_model
from tunewright.compiler.collect.progress import Progress
from tunewright.compiler.collect.request import FactRequest, ResourceRequest
from tunewright.compiler.ir.facts import EnvironmentFacts, Facts, HardwareFacts


def collect(
    request: FactRequest,
    base_directory: Path,
    *,
    cache: FactCache | None,
    environments: Mapping[str, EnvironmentFacts] | None = None,
    secrets_known: frozenset[str] | None = None,
    hardware: HardwareFacts | None = None,
    home: Path | None = None,
    package_paths: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Facts:
    """Return the facts that were asked for; relative paths start at `base_directory`, the spec's folder.

    Nothing raises for what a user can get wrong: missing files, broken rows and unusable models are facts too.
    `home` is where runs will write; `package_paths` is where `package:` sources are looked for instead of `sys.path`.
    `hardware` is the machine to plan for instead of this one; what the spec states goes before both. `progress` hears
    how far the reading of long data files is.
    """
    return Facts(
        models={
            source: collect_model(source, base_directory, cache=cache, package_paths=package_paths)
            for source in request.models
        },
        data={
            name: collect_data(wanted.sources, wanted.format, base_directory, cache=cache, progress=progress)
            for name, wanted in request.data.items()
        },
        suites={
            name: collect_suite(wanted.file, wanted.metric, base_directory, cache=cache, progress=progress)
            for name, wanted in request.suites.items()
        },
        files={written: collect_file(written, base_directory, cache=cache) for written in request.files},
        environments=dict(environments or {}),
        hardware=_hardware(request.resources, hardware, home),
        secrets_known=secrets_known,
        ports_in_use=_ports_in_use(request.ports),
    )


def _hardware(stated: ResourceRequest | None, given: HardwareFacts | None, home: Path | None) -> HardwareFacts:
    if stated is None:
        return given or collect_hardware(home)
    found = stated_hardware(stated.accelerator, stated.count, stated.nodes, stated.memory_bytes, stated.cpu_cores)
    # An unknown accelerator is a mistake in the spec that a rule points at; until it is mended, nothing is assumed.
    return found or HardwareFacts(cpu_cores=stated.cpu_cores or 1, memory_bytes=0, nodes=stated.nodes, stated=True)


def _ports_in_use(ports: Iterable[int]) -> frozenset[int]:
    """Return those loopback ports that something else holds."""
    if not ports:
        return frozenset()
    import errno
    import socket

    taken = set()
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As servers do: a port whose last connection is still winding down is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    taken.add(port)
            except OverflowError:  # no such port: a rule of the language says so
                continue
    return frozenset(taken)
