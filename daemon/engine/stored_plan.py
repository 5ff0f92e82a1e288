"""The plan of a run, read from the store when something of it is needed: a thousand runs that wait need none."""

import json
import sqlite3
from dataclasses import dataclass

from tunewright.compiler.ir.plan import Plan, Step, plan_from_json
from tunewright.daemon.store import runs


@dataclass(slots=True)
class StoredPlan:
    """A run's plan. Reading it raises PlanError when what is stored is not the plan that was sealed."""

    connection: sqlite3.Connection
    run: str
    _plan: Plan | None = None

    def read(self) -> Plan:
        """Return the plan."""
        if self._plan is None:
            plan_json, _ = runs.texts(self.connection, self.run)
            self._plan = plan_from_json(json.loads(plan_json))
        return self._plan

    def step(self, name: str) -> Step:
        """Return a step of it; raise KeyError."""
        return self.read().step(name)

    def forget(self) -> None:
        """Let it go until something of it is needed again."""
        self._plan = None
