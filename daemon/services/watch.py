"""Follow a run's log: replay from the store, then wait for more. A follower that does not read costs one waiting
coroutine.
"""

from collections.abc import AsyncIterator

from tunewright.daemon.changes import Changes
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services.run_logs import RunLogs
from tunewright.proto.v1 import run_service_pb2 as wire

HEARTBEAT_SECONDS = 5.0


async def follow(logs: RunLogs, run: str, after: int) -> AsyncIterator[bytes]:
    """Yield the messages of WatchRun after a sequence, in the form in which they are sent; one without events is a
    heartbeat.

    Ends after the last event of a run that has ended; raises RefusedError (GOING_AWAY) when the daemon stops.
    """
    with logs.follow(run) as log, logs.followers.one() as follower:
        while True:
            change = log.next()
            page = log.page(after)
            if page is not None:
                after = page.last
                follower.hand()
                yield page.message
                follower.taken()
            elif log.over:
                return
            elif logs.draining:
                message = f"the daemon is going away; watch again after sequence {after}"
                raise RefusedError("GOING_AWAY", message, last_sequence=str(after))
            elif not await Changes.rung(change, HEARTBEAT_SECONDS):
                yield wire.WatchRunResponse(last_sequence=after).SerializeToString()
