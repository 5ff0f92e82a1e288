"""Who calls: certificates, tokens, the Unix socket; and nobody without one of them."""

from dataclasses import replace

import grpc
import pytest
from harness.daemons import eventually
from harness.plans import a_plan, a_step
from harness.sites import Site, source_in

from tunewright.client.access_values import Grant
from tunewright.client.api import connect
from tunewright.client.credentials import Credentials
from tunewright.client.errors import RefusedError
from tunewright.client.troubles import translated
from tunewright.proto.v1 import run_service_pb2, run_service_pb2_grpc
from tunewright.spec.access import Role


def test_the_socket_is_the_daemons_own_user(site: Site) -> None:
    me = site.daemon.client.who_am_i()
    assert (me.authentication, me.credential, me.expire_time) == ("socket", "socket", None)
    assert {grant.role for grant in me.grants} == set(Role)
    assert {grant.project for grant in me.grants} == {"*"}


def test_a_certificate_says_who_and_what(site: Site) -> None:
    anna = site.as_(site.certificate("anna", "support:submitter", "sales:viewer"))
    me = anna.who_am_i()
    assert (me.subject, me.authentication) == ("anna", "certificate")
    assert me.grants == (Grant("sales", Role.VIEWER), Grant("support", Role.SUBMITTER))
    assert me.credential.startswith("certificate:")
    assert me.expire_time is not None


def test_a_token_says_who_and_what(site: Site) -> None:
    ci = site.as_(site.token("ci", "support:submitter"))
    me = ci.who_am_i()
    assert (me.subject, me.authentication, me.grants) == ("ci", "token", (Grant("support", Role.SUBMITTER),))


def test_a_token_counts_on_the_socket_too(site: Site) -> None:
    credentials = site.token("less", "support:viewer")
    socket = Credentials(token_file=credentials.token_file)
    with connect(site.daemon.client.target, credentials=socket) as client:
        assert client.who_am_i().subject == "less"


def test_the_store_holds_no_secret(site: Site) -> None:
    credentials = site.token("hidden", "support:viewer")
    assert credentials.token_file is not None
    secret = credentials.token_file.read_text().rpartition("_")[2]
    for path in site.daemon.home.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "CREDENTIAL_MISSING"),
        ("", "CREDENTIAL_INVALID"),
        ("Basic abc", "CREDENTIAL_INVALID"),
        ("Bearer twt_000000000000_" + "A" * 43, "CREDENTIAL_INVALID"),
        ("Bearer something", "CREDENTIAL_INVALID"),
        ("Bearer a.b.c", "CREDENTIAL_INVALID"),
    ],
)
def test_nobody_is_let_in_without_proof(site: Site, header: str | None, reason: str) -> None:
    _, tokens = site.addresses
    channel_credentials = grpc.ssl_channel_credentials(site.authority.certificate_file.read_bytes())
    with grpc.secure_channel(tokens, channel_credentials) as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        metadata = () if header is None else (("authorization", header),)

        def refused() -> str:
            with pytest.raises(grpc.RpcError) as caught:
                stub.ListRuns(run_service_pb2.ListRunsRequest(), metadata=metadata)
            error = translated(caught.value, tokens, Credentials())
            assert isinstance(error, RefusedError)
            assert error.code == ("resource_exhausted" if error.reason == "RATE_LIMITED" else "unauthenticated")
            return error.reason

        # Strangers are slowed down; the daemon says what is wrong again after a moment.
        assert eventually(lambda: (found := refused()) != "RATE_LIMITED" and found) == reason


def test_a_token_of_another_daemon_is_nobody_here(site: Site) -> None:
    credentials = site.token("someone", "support:viewer")
    assert credentials.token_file is not None
    secret = credentials.token_file.read_text()
    changed = site.bearing("changed", secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    with pytest.raises(RefusedError) as caught:
        site.as_(changed).who_am_i()
    assert caught.value.reason in ("CREDENTIAL_INVALID", "RATE_LIMITED")
    assert secret not in str(caught.value)


def test_a_certificate_and_a_token_that_is_not_bound_to_it_are_refused(site: Site) -> None:
    anna, token = site.certificate("both", "support:viewer"), site.token("both", "support:viewer")
    with pytest.raises(RefusedError, match="which of them counts is not to be guessed") as caught:
        site.as_(replace(anna, token_file=token.token_file)).who_am_i()
    assert (caught.value.code, caught.value.reason) == ("unauthenticated", "CREDENTIAL_INVALID")


def test_every_entry_of_a_run_says_who_did_it(site: Site) -> None:
    anna = site.as_(site.certificate("annie", "support:submitter"))
    run = anna.create_run(source_in(site, "support", a_plan(a_step("one", [{"sleep": 60}]), name="acted"))).run
    assert (run.project, run.actor) == ("support", "annie")
    anna.pause(run.id, by="the president", reason="to see")
    anna.cancel(run.id, mode="now")
    site.daemon.finish(run.id)
    events = list(anna.list_events(run.id))
    actors = {event.kind: event.actor for event in events}
    assert actors["run_created"] == "annie"
    assert actors["run_pausing"] == "annie"
    assert next(event for event in events if event.kind == "run_pausing").body["by"] == "annie"
    assert actors["run_cancelled"] == "daemon"
