"""Whatever is sent, the daemon answers: with what was asked for, or with a status that says what is wrong; a request
that is refused leaves nothing behind.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from harness.daemons import Daemon
from harness.plans import a_plan, a_step, role, text_of, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewright.client.local import socket_target
from tunewright.daemon.errors import DOMAIN, REASONS
from tunewright.daemon.services.register import SERVICES

#: Ends the daemon, which is what it says.
_LEFT_OUT = {"Shutdown"}
METHODS = [
    method
    for service in SERVICES
    for method in Default().FindServiceByName(service).methods
    if method.name not in _LEFT_OUT
]
_KEEPING = ("runs", "requests", "holds", "tokens", "blocked", "collected", "deployments", "artifacts", "maintenance")
_SPEC = text_of(a_plan(a_step("one", [{"exit": 1}]), name="fuzz"))
_ODD = (
    "", "runs/", "runs/nope", "runs/../../etc", "artifacts/zz", "deployments/x", "tokens/x", "/", "*", "\0",
    "a\nb", "%s",
    "x" * 70_000, "é" * 50, "'; DROP TABLE runs; --", "life.yaml", "$(id)", "2:0123456789abcdef:3", "/tmp",
    "name=x", "a.b=1",
)  # fmt: skip
_SPECS = (
    "", "{", "- a", "name: x", "api_version: tunewright/v1\nname: x\nsteps: {}\n", "error: x", "\0", "1e999",
    "a: &a [*a]",
    "api_version: tunewright/v1\nname: x\nbase: {model: hf://a/b}\nsteps: {a: {train: {method: sft, data: d}}}\n",
    "api_version: tunewright/v1\nname: ${env:X}\nbase: {model: 'dir:../../..'}\nsteps: {a: {evaluate: {}}}\n",
)  # fmt: skip
_INTEGERS = st.one_of(
    st.sampled_from([0, 1, -1, 2, 500, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1]),
    st.integers(0, 9),
)
_WIDTHS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a run that has ended."""
    daemon = Daemon(tmp_path_factory.mktemp("any") / "home")
    try:
        daemon.start()
        daemon.finish(daemon.submit(a_plan(a_step("sft", [write("m", "x"), role("model")]))).run.id)
        yield daemon
    finally:
        daemon.clean_up()


@pytest.fixture(scope="module")
def channel(daemon: Daemon) -> Iterator[grpc.Channel]:
    """A channel to it."""
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        yield channel


@pytest.fixture(scope="module")
def words(daemon: Daemon) -> st.SearchStrategy[str]:
    """Texts: names of what there is, near misses, and what nobody should send."""
    run = next(daemon.client.list_runs()).id
    digest = next(daemon.client.artifacts()).digest.removeprefix("sha256:")
    there = [f"runs/{run}", f"runs/{run}/steps/sft", f"artifacts/{digest}", f"artifacts/{digest[:6]}", run, "sft"]
    return texts([*there, "default"])


def texts(there: Sequence[str]) -> st.SearchStrategy[str]:
    """Texts that may be names, and texts that nobody should send."""
    return st.one_of(st.sampled_from([*there, *_ODD]), st.text(max_size=20))


def messages(kind: Descriptor, words: st.SearchStrategy[str]) -> st.SearchStrategy[Message]:
    """Messages of a type with any fields set to anything that the type allows."""

    @st.composite
    def build(draw: st.DrawFn) -> Message:
        message = GetMessageClass(kind)()
        for field in kind.fields:
            if not draw(st.booleans()):
                continue
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                getattr(message, field.name)[draw(words)] = draw(words)
            elif field.is_repeated:
                values = draw(st.lists(value_of(field, words), max_size=3))
                getattr(message, field.name).extend(values)
            elif field.message_type is not None:
                getattr(message, field.name).CopyFrom(draw(messages(field.message_type, words)))
            else:
                setattr(message, field.name, draw(value_of(field, words)))
        if kind.name == "SpecSource" and draw(st.booleans()):
            message.text, message.base_directory = _SPEC, "/"
            message.ClearField("sets")  # the harness reads only its own
        elif kind.name == "SpecSource":
            message.text = "error: nothing of it is right"
        return message

    return build()


def value_of(field: FieldDescriptor, words: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Values that a field can hold."""
    if field.message_type is not None:
        return messages(field.message_type, words)
    if field.cpp_type in _WIDTHS:
        low, high = _WIDTHS[field.cpp_type]
        return _INTEGERS.filter(lambda number: low <= number <= high)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return st.floats()
    return words if field.type == FieldDescriptor.TYPE_STRING else st.binary(max_size=20)


def stored(daemon: Daemon) -> dict[str, int]:
    """How much of each kind there is."""
    with closing(sqlite3.connect(daemon.home / "control.db")) as store:
        return {name: store.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in _KEEPING}


def call(channel: grpc.Channel, method: MethodDescriptor, content: bytes) -> grpc.RpcError | None:
    """Make a call with the bytes of a request; return how it was refused. Only the begin of a stream is read."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    make = channel.unary_stream if method.server_streaming else channel.unary_unary
    stub = make(path, request_serializer=None, response_deserializer=None)
    try:
        answer = stub(content, timeout=30.0)
        if method.server_streaming:
            next(iter(answer), None)
            answer.cancel()
    except grpc.RpcError as error:
        return error
    return None


def check_refusal(error: grpc.RpcError, method: MethodDescriptor, request: object) -> None:
    """The status says what is wrong, by a reason of the table."""
    info, status = ErrorInfo(), rpc_status.from_call(error)
    told = f"{method.name}: {error.code()} {error.details()} for {str(request)[:500]}"
    assert status is not None, told
    assert any(detail.Unpack(info) for detail in status.details), told
    assert info.domain == DOMAIN
    assert info.reason != "INTERNAL", told
    assert REASONS[info.reason] is error.code(), told


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name.removeprefix("tunewright.v1."))
def test_any_message_is_answered_or_refused_with_a_reason(
    daemon: Daemon, channel: grpc.Channel, words: st.SearchStrategy[str], method: MethodDescriptor
) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(messages(method.input_type, words))
    def check(request: Message) -> None:
        before = stored(daemon)
        error = call(channel, method, request.SerializeToString())
        if error is not None:
            check_refusal(error, method, request)
            assert stored(daemon) == before, "a refused request leaves nothing behind"

    check()


@pytest.mark.parametrize(
    "content", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"], ids=["tag", "length", "utf-8"]
)
@pytest.mark.parametrize("name", ["RunService/CreateRun", "RunService/WatchRun"])
def test_bytes_that_are_no_message_are_refused(channel: grpc.Channel, name: str, content: bytes) -> None:
    service, method_name = name.split("/")
    method = Default().FindServiceByName(f"tunewright.v1.{service}").methods_by_name[method_name]
    error = call(channel, method, content)
    assert error is not None
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    check_refusal(error, method, content)


@pytest.fixture(scope="module")
def compiling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the real compiler."""
    daemon = Daemon(tmp_path_factory.mktemp("compiling") / "home")
    try:
        yield daemon.start(program=("-P", "-m", "tunewright.daemon"))
    finally:
        daemon.clean_up()


@pytest.mark.parametrize("name", ["SpecService.CheckSpec", "SpecService.CompileSpec", "RunService.CreateRun"])
def test_any_spec_is_answered_or_refused_with_a_reason(compiling: Daemon, name: str) -> None:
    service, method_name = name.split(".")
    method = Default().FindServiceByName(f"tunewright.v1.{service}").methods_by_name[method_name]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(messages(method.input_type, texts(["smoke"])), st.sampled_from(_SPECS), st.booleans())
    def check(request: Any, text: str, folder: bool) -> None:
        request.source.text = text
        if folder:
            request.source.base_directory = str(compiling.home)
        with grpc.insecure_channel(socket_target(compiling.home)) as channel:
            error = call(channel, method, request.SerializeToString())
        if error is not None:
            check_refusal(error, method, request)
        assert stored(compiling)["runs"] == 0

    check()
