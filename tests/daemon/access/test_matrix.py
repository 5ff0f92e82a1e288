"""Every method against every role, and against a foreign project: made from the table, so that none can be left out."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from harness.daemons import eventually
from harness.plans import a_plan, a_step, text_of, write
from harness.sites import Site, source_in

from tunewright.client.credentials import Credentials
from tunewright.daemon.access.roles import ROLES
from tunewright.daemon.access.rules import RULES, MissingRuleError, Place, check_complete
from tunewright.daemon.services.register import SERVICES, methods
from tunewright.spec.access import Role

OURS = sorted(name for name in RULES if name.startswith("tunewright."))
READY = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}
MARK = "not-for-others"


@dataclass(frozen=True)
class Things:
    """What lies in a project."""

    run: str
    artifact: str
    deployment: str


@pytest.fixture(scope="module")
def stocked(site: Site) -> tuple[Site, dict[str, Things]]:
    """A site with a finished run, an artifact and a service in each of two projects."""
    runs = {}
    for project in ("support", "sales"):
        plan = a_plan(
            a_step("one", [write(MARK, project)]),
            a_step("chat", [READY, {"sleep": 300}], needs=["one"], service=True),
            name=f"life-{project}",
        )
        owner = site.as_(site.certificate(f"owner-{project}", f"{project}:submitter"))
        runs[project] = owner.create_run(source_in(site, project, plan)).run.id
    found = {}
    for project, run in runs.items():
        ended = site.daemon.finish(run)
        assert ended.state == "succeeded", ended.failure
        found[project] = Things(run, ended.step("one").artifact, f"{project}.life-{project}-chat")
    assert {item.id for item in site.daemon.client.list_runs()} >= set(runs.values())
    return site, found


@pytest.fixture(scope="module")
def people(stocked: tuple[Site, dict[str, Things]]) -> Iterator[dict[Role, grpc.Channel]]:
    """A channel for somebody of each role in the project `support`."""
    site, _ = stocked
    certificates, _ = site.addresses
    channels = {}
    for role in Role:
        shown = site.certificate(f"a-{role}", f"support:{role}")
        channels[role] = grpc.secure_channel(certificates, secured(shown))
    yield channels
    for channel in channels.values():
        channel.close()


def secured(shown: Credentials) -> grpc.ChannelCredentials:
    assert shown.authority is not None
    assert shown.key is not None
    assert shown.certificate is not None
    return grpc.ssl_channel_credentials(
        shown.authority.read_bytes(), shown.key.read_bytes(), shown.certificate.read_bytes()
    )


def request_for(method: str, site: Site, project: str, things: Things) -> Any:
    """Return a request of a method about what lies in a project; what it would change, it only tries."""
    service, _, name = method.partition("/")
    found = Default().FindServiceByName(service).methods_by_name[name]
    request = GetMessageClass(found.input_type)()
    fields = found.input_type.fields_by_name
    if "source" in fields:
        plan = a_plan(a_step("one", [write(MARK, project)]), name=f"life-{project}")
        request.source.text, request.source.project = text_of(plan), project
        request.source.base_directory = str(site.folder / project)
    if "validate_only" in fields:
        request.validate_only = True
    names = {
        Place.RUN: f"runs/{things.run}",
        Place.STEP: f"runs/{things.run}/steps/one",
        Place.DEPLOYMENT: f"deployments/{things.deployment}",
    }
    rule = RULES[method]
    if rule.place in names:
        setattr(request, rule.field, names[rule.place])
    if name == "GetArtifact":
        request.name = f"artifacts/{things.artifact.removeprefix('sha256:')}"
    if rule.place is Place.VISIBLE and "project" in fields:
        request.project = project
    if name == "BlockIdentity":
        request.subject = "nobody"
    return request


def outcome(channel: grpc.Channel, method: str, request: Any) -> tuple[str, str]:
    """Return the reason of the refusal (empty: it was answered) and everything that came back, as text."""
    service, _, name = method.partition("/")
    found = Default().FindServiceByName(service).methods_by_name[name]
    answer_type = GetMessageClass(found.output_type)
    kind = channel.unary_stream if found.server_streaming else channel.unary_unary
    call = kind(
        f"/{method}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer_type.FromString,
    )
    try:
        answered = call(request, timeout=30)
        answers = list(itertools.islice(answered, 3)) if found.server_streaming else [answered]
        return "", "\n".join(map(str, answers))
    except grpc.RpcError as error:
        return refusal(error)


def refusal(error: Any) -> tuple[str, str]:
    status, info = rpc_status.from_call(error), ErrorInfo()
    assert status is not None, error
    status.details[0].Unpack(info)
    return info.reason, f"{status.message} {json.dumps(dict(info.metadata))}"


def patiently(channel: grpc.Channel, method: str, request: Any) -> tuple[str, str]:
    """Return an outcome; a limit that this many calls run into is waited for."""
    deadline = time.monotonic() + 30
    while (found := outcome(channel, method, request))[0] == "RATE_LIMITED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("method", OURS)
def test_each_role_may_call_what_the_table_gives_it(
    stocked: tuple[Site, dict[str, Things]], people: dict[Role, grpc.Channel], method: str
) -> None:
    site, things = stocked
    rule = RULES[method]
    for role, channel in people.items():
        reason, _ = patiently(channel, method, request_for(method, site, "support", things["support"]))
        allowed = rule.permission is None or (
            rule.permission in ROLES[role] and rule.place is not Place.EVERYWHERE  # their role is for one project
        )
        if allowed:
            assert reason not in ("PERMISSION_MISSING", "RUN_NOT_FOUND", "DEPLOYMENT_NOT_FOUND", "INTERNAL"), role
        else:
            assert reason == "PERMISSION_MISSING", role


@pytest.mark.parametrize("method", OURS)
def test_nothing_of_a_foreign_project_is_told_or_touched(
    stocked: tuple[Site, dict[str, Things]], people: dict[Role, grpc.Channel], method: str
) -> None:
    site, things = stocked
    sales = things["sales"]
    request = request_for(method, site, "sales", sales)
    if "validate_only" in request.DESCRIPTOR.fields_by_name:
        request.validate_only = False
    nowhere = {Place.RUN, Place.STEP, Place.DEPLOYMENT}
    for role, channel in people.items():
        reason, told = patiently(channel, method, request)
        if RULES[method].place in nowhere:
            assert reason in ("RUN_NOT_FOUND", "DEPLOYMENT_NOT_FOUND", "PERMISSION_MISSING"), (role, told)
        if RULES[method].place is Place.SOURCE:
            assert reason in ("PERMISSION_MISSING", "FOLDER_FORBIDDEN"), (role, told)
        if "project" in request.DESCRIPTOR.fields_by_name:
            assert reason == "PERMISSION_MISSING", (role, told)
        asked = str(request)
        for secret in (sales.run, sales.artifact, sales.deployment, "owner-sales", "life-sales"):
            assert secret not in told or secret in asked, (role, told)
    run = site.daemon.client.get_run(sales.run).run
    assert run.state == "succeeded"
    assert site.daemon.client.get_deployment(sales.deployment).state == "live"


def test_what_is_foreign_reads_as_if_it_were_not_there(
    stocked: tuple[Site, dict[str, Things]], people: dict[Role, grpc.Channel]
) -> None:
    _, things = stocked
    method = "tunewright.v1.RunService/GetRun"
    request_class = GetMessageClass(Default().FindMessageTypeByName("tunewright.v1.GetRunRequest"))
    there = patiently(people[Role.VIEWER], method, request_class(name=f"runs/{things['sales'].run}"))
    gone = patiently(people[Role.VIEWER], method, request_class(name="runs/20200101-000000-abcd"))
    assert there[0] == gone[0] == "RUN_NOT_FOUND"
    assert there[1].replace(things["sales"].run, "X") == gone[1].replace("20200101-000000-abcd", "X")


def test_lists_without_a_project_show_ones_own(
    stocked: tuple[Site, dict[str, Things]], people: dict[Role, grpc.Channel]
) -> None:
    site, things = stocked
    viewer = site.as_(site.certificate("a-reader", "support:viewer"))
    assert {run.id for run in viewer.list_runs()} == {things["support"].run}
    assert {item.run for item in viewer.artifacts()} == {things["support"].run}
    assert [item.id for item in viewer.deployments()] == [things["support"].deployment]
    assert viewer.server_info().live_deployments == 1
    both = site.as_(site.certificate("two-hats", "support:viewer", "sales:viewer"))
    assert {run.id for run in both.list_runs()} == {item.run for item in things.values()}
    only = site.as_(site.shown("two-hats"), project="sales")
    assert {run.id for run in only.list_runs()} == {things["sales"].run}


def test_a_foreign_result_is_not_taken(stocked: tuple[Site, dict[str, Things]]) -> None:
    """That a step was done elsewhere can't be seen from whether it has to be done again, nor from a request id."""
    site, _ = stocked
    step = a_step("same", [write(MARK, "the same")])
    ids = []
    for project in ("support", "sales"):
        owner = site.as_(site.shown(f"owner-{project}"))
        created = owner.create_run(source_in(site, project, a_plan(step, name="same")), request_id="mine")
        assert [action.action for action in created.actions] == ["create"]
        ids.append(created.run.id)
        assert site.daemon.finish(created.run.id).step("same").state == "succeeded"
    assert len(set(ids)) == 2


def test_every_served_method_is_in_the_table() -> None:
    served = set(methods())
    assert served == set(RULES)
    assert {name.partition("/")[0] for name in served if name.startswith("tunewright.")} == set(SERVICES)
    with pytest.raises(MissingRuleError, match="Secret/Peek"):
        check_complete([*served, "tunewright.v1.Secret/Peek"])


def test_every_service_of_the_protocol_is_served() -> None:
    described = set()
    for service in SERVICES:
        described |= set(Default().FindServiceByName(service).file.services_by_name)
    assert {service.rpartition(".")[2] for service in SERVICES} == described


def test_denials_stand_in_the_log_of_access(stocked: tuple[Site, dict[str, Things]]) -> None:
    site, things = stocked
    nosy = site.as_(site.certificate("nosy", "support:viewer"))
    from tunewright.client.errors import RefusedError

    for _ in range(3):
        with pytest.raises(RefusedError):
            nosy.cancel(things["support"].run)
    entries = eventually(lambda: [item for item in site.daemon.client.access_events() if item.actor == "nosy"])
    (entry,) = entries
    assert (entry.kind, entry.reason) == ("denied", "PERMISSION_MISSING")
    assert entry.method == "tunewright.v1.RunService/CancelRun"
    assert entry.credential.startswith("certificate:")
    assert entry.body["roles"] == "submitter"
