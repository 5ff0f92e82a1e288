"""Somebody who uses the daemon: submits, cancels, pauses, resumes; remembers what was promised."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.plans import a_plan, a_step
from harness.simulation.world import World

from tunewright.compiler.ir.plan import Limits, Plan, Supervision
from tunewright.daemon.engine.admission import Order
from tunewright.daemon.engine.states import RUN_ENDED, Cancel, Pause, Prioritize, Resume, RunState, StepEvent
from tunewright.daemon.parts import Parts
from tunewright.daemon.store import runs
from tunewright.daemon.store.database import StaleError
from tunewright.spec.canonical import digest_of

_ACTIONS: Mapping[str, int] = {"submit": 4, "cancel": 2, "cancel now": 1, "pause": 2, "resume": 3, "prioritize": 1}
MAX_RUNS = 4
SUPERVISION = Supervision(
    address=None, health_path="/", interval_seconds=0.5, failures=2, restarts=2, stable_seconds=3.0
)


@dataclass
class People:
    """Their promises outlive daemons; `submitted` counts requests, so that one is repeated after a crash."""

    world: World
    submitted: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    to_be_ended: set[str] = field(default_factory=set)

    async def use(self, parts: Parts) -> None:
        """Do something now and then, as long as the daemon lives."""
        draw = self.world.draw
        while self.world.chaos:
            await asyncio.sleep(draw.expovariate(1.2))
            (action,) = draw.choices(list(_ACTIONS), list(_ACTIONS.values()))
            self.world.counts[action] += 1
            if action == "submit":
                await self._submit(parts)
            elif self.acknowledged:
                await self._ask(parts, draw.choice(sorted(self.acknowledged.values())), action)

    async def _submit(self, parts: Parts) -> None:
        """A request that was never answered is sent again, word for word."""
        if self.submitted == len(self.acknowledged):
            if self.submitted == MAX_RUNS:
                return
            self.submitted += 1
        request = f"request-{self.submitted}"
        order = _order(self.world.draw.randrange(1000) if request not in self._orders else 0, request)
        order = self._orders.setdefault(request, order)
        run = await parts.admission.admit(
            order, parts.admission.record(order, parts.admission.compare(order.plan, order.project))
        )
        self.acknowledged[request] = run.id
        parts.reconciler.wake(run.id)

    _orders: dict[str, Order] = field(default_factory=dict)

    async def _ask(self, parts: Parts, run_id: str, action: str) -> None:
        events: Mapping[str, StepEvent] = {
            "cancel": Cancel(mode="graceful", reason="changed my mind"),
            "cancel now": Cancel(mode="now"),
            "pause": Pause(by="alice"),
            "resume": Resume(by="alice"),
            "prioritize": Prioritize(priority=self.world.draw.choice((-100, 0, 100, 200)), by="alice"),
        }
        for _ in range(100):
            run = parts.ledger.get(run_id)
            assert run is not None, f"the acknowledged run {run_id} is lost"
            try:
                run = await parts.ledger.apply(run, None, events[action])
            except StaleError:
                continue
            if action.startswith("cancel"):
                self.to_be_ended.add(run_id)
            if run.state not in RUN_ENDED:
                parts.reconciler.wake(run_id)
            return
        raise AssertionError(f"{run_id} changes faster than anybody can speak")

    async def see_to_the_end(self, parts: Parts) -> None:
        """Let everything that pauses go on until all runs have ended."""
        for run_id in runs.active_ids(parts.database.read):
            while (run := parts.ledger.get(run_id)) is not None and run.state not in RUN_ENDED:
                if run.state is RunState.PAUSED:
                    await self._ask(parts, run_id, "resume")
                await asyncio.sleep(0.5)
                assert self.world.now < 1000, f"run {run_id} does not come to an end: {run}"


def _order(number: int, request: str) -> Order:
    """Return a plan of one to three steps out of few, so that some are equal, and sometimes a service at the end."""
    names = ("base", "sft", "pack")[: 1 + number % 3]
    steps = []
    for position, name in enumerate(names):
        step = a_step(
            name, needs=names[position - 1 : position] if position else (), limits=Limits(grace_seconds=1.0, retries=2)
        )
        content = f"{name} {number % 5}"
        needs_devices = (number + position) % 3
        parameters = {"content": content, "device": "cuda" if needs_devices else "cpu"}
        launch = replace(step.launch, processes_per_node=needs_devices or 1)
        steps.append(replace(step, parameters=parameters, launch=launch, digest=digest_of({"content": content})))
    if number % 4 == 0:
        limits = Limits(grace_seconds=1.0, retries=2)
        chat = a_step("chat", needs=names[-1:], service=True, limits=limits, supervision=SUPERVISION)
        parameters = {"content": "chat", "device": "cuda" if number % 8 else "cpu"}
        steps.append(replace(chat, parameters=parameters, digest=digest_of({"chat": number % 8})))
    plan: Plan = a_plan(*steps, name=f"spec-{number % 2}")
    return Order(
        project="default",
        plan=plan,
        spec_text="",
        spec_path="life.yaml",
        base_directory="/",
        request_id=request,
        request_digest=plan.digest,
        priority=100 * (number % 2),
    )
