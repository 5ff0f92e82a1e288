"""The rpcs of the queue as values: see `calls`."""

from typing import Any

from tunewright.client import wire
from tunewright.client.calls import Call
from tunewright.client.queue_values import HoldingStep, Queue, QueuedStep, Supply
from tunewright.proto.v1 import queue_service_pb2, queue_service_pb2_grpc

_PAGE = 1000


def list_queue() -> Call[Queue]:
    """The beginning of the queue: its first thousand steps."""
    return Call(
        stub=queue_service_pb2_grpc.QueueServiceStub,
        method="ListQueue",
        request=queue_service_pb2.ListQueueRequest(page_size=_PAGE),
        read=_queue,
    )


def _queue(message: queue_service_pb2.ListQueueResponse) -> Queue:
    return Queue(
        steps=tuple(_queued(item) for item in message.steps),
        others=message.other_steps,
        holding=tuple(_holding(item) for item in message.holding),
        total=_supply(message.total),
        free=_supply(message.free),
    )


def _queued(message: queue_service_pb2.QueuedStep) -> QueuedStep:
    return QueuedStep(
        **_whose(message),
        needs=_supply(message.needs),
        waiting=wire.waiting(message.waiting),
    )


def _holding(message: queue_service_pb2.HoldingStep) -> HoldingStep:
    return HoldingStep(
        **_whose(message),
        holds=_supply(message.holds),
        devices=tuple(message.devices),
        start_time=wire.time_of(message, "start_time"),
        preemptible=message.preemptible,
        leaving=message.leaving,
    )


def _whose(message: queue_service_pb2.QueuedStep | queue_service_pb2.HoldingStep) -> dict[str, Any]:
    _, run, _, step = message.name.split("/")
    return {
        "run": run,
        "step": step,
        "spec_name": message.spec_name,
        "project": message.project,
        "priority": message.priority,
    }


def _supply(message: queue_service_pb2.Supply) -> Supply:
    return Supply(devices=message.devices, slots=message.slots, memory_bytes=message.memory_bytes)
