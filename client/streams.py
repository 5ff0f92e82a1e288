"""The two streams as values: how to open one where reading has come to, and what its answers mean."""

from dataclasses import dataclass
from typing import Any

from tunewright.client import wire
from tunewright.client.values import LogChunk, RunEvent
from tunewright.proto.v1 import log_service_pb2, log_service_pb2_grpc, run_service_pb2, run_service_pb2_grpc

_LOG_STREAMS = {"stdout": log_service_pb2.LOG_STREAM_STDOUT, "stderr": log_service_pb2.LOG_STREAM_STDERR}


@dataclass(slots=True, kw_only=True)
class Watch:
    """A run's log; `last` is the newest sequence that was read."""

    run: str
    last: int

    def open(self, channel: Any) -> Any:
        """Return the stream of what comes next."""
        request = run_service_pb2.WatchRunRequest(name=f"runs/{self.run}", after_sequence=self.last)
        return run_service_pb2_grpc.RunServiceStub(channel).WatchRun(request)

    def read(self, answer: Any) -> list[RunEvent]:
        """Return the events of an answer that were not read before."""
        events = [wire.run_event(item) for item in answer.events if item.sequence > self.last]
        if events:
            self.last = events[-1].sequence
        return events


@dataclass(slots=True, kw_only=True)
class Log:
    """What a step wrote; `position` is the next byte (negative: so many before the end)."""

    run: str
    step: str
    attempt: int
    stream: str
    position: int
    follow: bool

    def open(self, channel: Any) -> Any:
        """Return the stream of what comes next."""
        request = log_service_pb2.ReadLogsRequest(
            name=f"runs/{self.run}/steps/{self.step}",
            attempt=self.attempt,
            stream=_LOG_STREAMS[self.stream],
            offset=self.position,
            follow=self.follow,
        )
        return log_service_pb2_grpc.LogServiceStub(channel).ReadLogs(request)

    def read(self, answer: Any) -> list[LogChunk]:
        """Return the bytes of an answer."""
        self.position = answer.next_offset
        return [LogChunk(data=answer.data, next_offset=answer.next_offset)] if answer.data else []
