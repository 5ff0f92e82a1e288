"""A run as the store knows it, for tests of the store that need no daemon; and a store to put it into."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tunewright.daemon.engine.states import RunRecord, StepRecord
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.runs import Submission

Result = TypeVar("Result")
SUBMISSION = Submission(spec_text="", plan_json="{}", request_id=None, request_digest="")


def a_run(identifier: str = "r1") -> RunRecord:
    """Return a run of one step that waits."""
    step = StepRecord(
        name="one", verb="train", kind="fake", summary="", needs=(), digest="sha256:0", service=False, retries=0,
        action="create", because="",
    )  # fmt: skip
    return RunRecord(
        id=identifier, spec_name="s", spec_path="life.yaml", base_directory="/", profile="", sets=("a=1",),
        plan_digest="sha256:1", create_time=5, steps=(step,),
    )  # fmt: skip


def using(path: Path, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Return what `work` returns with the store open and its writer at work."""

    async def run() -> Result:
        database = Database(path)
        database.start(lambda: None)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
