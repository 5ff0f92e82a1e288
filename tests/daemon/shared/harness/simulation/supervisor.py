"""What a supervisor and the runner below it do, step by step, with a chance of dying between any two of them."""

import json
from pathlib import Path
from typing import Any

from harness.simulation.world import Life, SupervisorProcess, World

from tunewright.runners import contract
from tunewright.runners.contract import ExitCode
from tunewright.runners.supervision import record
from tunewright.runners.supervision.seal import seal

_DEATH, _NO_START = 0.04, 0.08


def spawn(world: World, bundle: Path, lock: int | None) -> SupervisorProcess:
    """Start a supervisor as `spawn_supervisor` does; sometimes it does not come to anything."""
    assert lock is not None
    world.counts["launches"] += 1
    life = _stillborn() if world.chaos and world.draw.random() < _NO_START else _life(world, bundle)
    process = SupervisorProcess(world, bundle, lock, life)
    world.supervisors.append(process)
    return process


def _stillborn() -> Life:
    yield 0.01


def _life(world: World, bundle: Path) -> Life:
    draw = world.draw
    yield draw.uniform(0.0, 0.3)
    if (bundle / contract.CLAIM).exists() or (bundle / contract.EXIT).exists():
        return
    step = contract.read_step(bundle)
    if _dies(world):
        return
    if (bundle / contract.CANCEL).exists():
        _exit(bundle, ExitCode.CANCELLED, "CANCELLED")
        return
    if not record.claim(bundle, "supervisor"):
        return
    world.starts[bundle] += 1
    beside = [other for other in world.supervisors if other.bundle.parent == bundle.parent and other.bundle != bundle]
    assert not beside, f"{bundle} runs beside {beside[0].bundle}"
    say = _Voice(bundle)
    for number in range(draw.randrange(1, 6)):
        yield draw.uniform(0.0, 0.4)
        if _dies(world):
            return
        if (bundle / contract.CANCEL).exists():
            _exit(bundle, ExitCode.CANCELLED, "CANCELLED")
            return
        if (bundle / contract.PAUSE).exists() and draw.random() < 0.7:
            say("paused", reason="PAUSE_WANTED", message="somebody asked")
            _exit(bundle, ExitCode.PAUSED, "PAUSE_WANTED")
            return
        say("metric", step=number, values={"loss": draw.random()})
    if step.service:
        yield from _serve(world, bundle, say)
        return
    yield draw.uniform(0.0, 0.2)
    if _dies(world):
        return
    _finish(world, bundle, step.parameters)
    yield draw.uniform(0.0, 0.1)


def _serve(world: World, bundle: Path, say: "_Voice") -> Life:
    say("ready", address=f"http://127.0.0.1:{world.draw.randrange(20000, 30000)}")
    while not (bundle / contract.CANCEL).exists():
        yield world.draw.uniform(0.2, 2.0)
        if _dies(world):
            return
    _exit(bundle, ExitCode.CANCELLED, "CANCELLED")


def _finish(world: World, bundle: Path, parameters: Any) -> None:
    outcome = world.draw.choice(("ok", "ok", "ok", "ok", "broken", "temporary")) if world.chaos else "ok"
    if outcome == "ok":
        (bundle / contract.OUTPUTS / "model").write_text(str(parameters["content"]))
        _exit(bundle, ExitCode.OK, "SUCCEEDED", seal(bundle / contract.OUTPUTS))
    else:
        _exit(bundle, ExitCode.FAILED if outcome == "broken" else ExitCode.TEMPORARY, outcome.upper())


def _dies(world: World) -> bool:
    died = world.chaos and world.draw.random() < _DEATH
    world.counts["supervisor deaths"] += died
    return died


def _exit(bundle: Path, code: int, reason: str, outputs: record.SealedOutputs | None = None) -> None:
    value = record.ExitRecord(code=code, reason=reason, ended="2027-01-01T00:00:00Z", seconds=1.0, outputs=outputs)
    contract.write_durably(bundle / contract.EXIT, value.to_json())


class _Voice:
    """A runner's events, appended as the contract wants them; half of the time in two pieces."""

    def __init__(self, bundle: Path) -> None:
        self._path, self._sequence = bundle / contract.EVENTS, 0
        self("started")

    def __call__(self, kind: str, **fields: Any) -> None:
        """Say something."""
        self._sequence += 1
        line = {"seq": self._sequence, "time": "2027-01-01T00:00:00Z", "kind": kind, **fields}
        with self._path.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
