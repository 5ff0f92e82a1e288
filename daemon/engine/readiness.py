"""Can this machine do what a plan asks for? Looked at before a run is accepted, not hours later."""

import errno
import socket
from collections.abc import Iterable

from tunewright.compiler.ir.plan import Step
from tunewright.compiler.render.quantities import counted, size
from tunewright.daemon.engine.step_files import Interpreters, secrets_of
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.queue.machine import Machine
from tunewright.daemon.queue.resources import needs_of
from tunewright.daemon.secrets.provider import SecretError
from tunewright.daemon.secrets.providers import Providers


def check_steps(steps: Iterable[Step], interpreters: Interpreters, own_ports: frozenset[int], machine: Machine) -> None:
    """Raise RefusedError for the first step that can't be done here; `own_ports` are held by services of ours."""
    steps = tuple(steps)
    for step in steps:
        if step.not_executable is not None:
            message = f"step `{step.name}` can be planned but not run yet: {step.not_executable}"
            raise RefusedError("NOT_EXECUTABLE", message, step=step.name, missing=step.not_executable)
    for step in steps:
        _check_resources(step, machine)
        _check_environment(step, interpreters)
        _check_port(step, own_ports)


def check_secrets(steps: Iterable[Step], project: str, providers: Providers) -> None:
    """Raise RefusedError for the first secret that is missing or can't be read.

    It may take seconds: call it in a thread.
    """
    for step in steps:
        for name in sorted(secrets_of(step)):
            needed = f"step `{step.name}` needs the secret `{name}`"
            try:
                found = providers.read(project, name)
            except SecretError as error:
                advice = f": {error.help}" if error.help else ""
                message = f"{needed}, which can't be read: {error}{advice}"
                raise RefusedError("SECRET_UNAVAILABLE", message, step=step.name, secret=name) from None
            if found is None:
                command = f"tunewright secret set {name}" + ("" if project == "default" else f" --project {project}")
                message = f"{needed}, which is not stored: run `{command}`"
                raise RefusedError("SECRET_MISSING", message, step=step.name, secret=name, command=command)


def _check_resources(step: Step, machine: Machine) -> None:
    """What the machine never has is said now: in the queue the step would wait for ever."""
    needs, has = needs_of(step), machine.total
    device = str(step.parameters.get("device", "cpu"))
    if needs.devices > has.devices:
        needed = counted(needs.devices, "accelerator") if needs.devices > 1 else f"an accelerator ({device})"
        there = f"has {has.devices}" if has.devices else "has none"
        message = f"step `{step.name}` is planned for {needed}, and this machine {there}"
        raise RefusedError(
            "HARDWARE_MISSING",
            message,
            step=step.name,
            device=device,
            needed=str(needs.devices),
            available=str(has.devices),
        )
    if needs.memory_bytes > has.memory_bytes:
        message = (
            f"step `{step.name}` is estimated to take {size(needs.memory_bytes)} of main memory, and this machine has"
            f" {size(has.memory_bytes)}"
        )
        raise _too_large(step, message, needs.memory_bytes, has.memory_bytes)
    each, largest = step.estimate.memory_bytes or 0, max((item.memory_bytes for item in machine.devices), default=0)
    if needs.devices and each > largest:
        message = (
            f"step `{step.name}` is estimated to take {size(each)} of an accelerator's memory, and the largest of this"
            f" machine has {size(largest)}"
        )
        raise _too_large(step, message, each, largest)


def _too_large(step: Step, message: str, needed: int, available: int) -> RefusedError:
    return RefusedError("HARDWARE_MISSING", message, step=step.name, needed=str(needed), available=str(available))


def _check_environment(step: Step, interpreters: Interpreters) -> None:
    if step.launch is None or interpreters.find(step.launch.environment) is not None:
        return
    name = step.launch.environment
    command = f"tunewright env sync {name}"
    message = f"step `{step.name}` needs the environment `{name}`, which is not installed: run `{command}`"
    raise RefusedError("ENVIRONMENT_MISSING", message, step=step.name, environment=name, command=command)


def _check_port(step: Step, own_ports: frozenset[int]) -> None:
    port = step.parameters.get("port")
    if not step.service or not isinstance(port, int) or port in own_ports:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connection is still winding down is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((str(step.parameters.get("host", "127.0.0.1")), port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return  # the runner says what is wrong with the address
            message = f"step `{step.name}` wants port {port}, and another program listens there"
            message += ": stop it, or set another `port`"
            raise RefusedError("PORT_IN_USE", message, step=step.name, port=str(port)) from error
