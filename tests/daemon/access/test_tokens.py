"""Tokens: made by admins, for what they administer, revoked and blocked at once."""

import asyncio
import hashlib
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import eventually
from harness.plans import a_plan, a_step
from harness.sites import Site, grants_of, source_in

from tunewright.client import aio
from tunewright.client.api import Client, connect
from tunewright.client.credentials import Credentials
from tunewright.client.errors import ClientError, CredentialError, RefusedError

NewSite = Callable[[str], Site]


def refusal(call: Callable[[], object]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        call()
    return caught.value


def test_an_admin_makes_tokens_for_their_own_projects_only(site: Site) -> None:
    admin = site.as_(site.certificate("boss", "support:admin"))
    token, secret = admin.create_token("helper", grants_of(["support:viewer"]), days=2)
    assert token.created_by == "boss"
    assert secret.startswith(f"twt_{token.id}_")
    for grant in ("sales:viewer", "*:viewer"):
        error = refusal(lambda grant=grant: admin.create_token("helper", grants_of([grant])))
        assert (error.reason, error.metadata["permission"]) == ("PERMISSION_MISSING", "administer")
    foreign, _ = site.daemon.client.create_token("foreign", grants_of(["sales:viewer"]))
    assert foreign.id not in {item.id for item in admin.tokens()}
    assert refusal(lambda: admin.revoke_token(foreign.id)).reason == "TOKEN_NOT_FOUND"
    assert admin.revoke_token(token.id).revoked_by == "boss"
    assert token.id not in {item.id for item in admin.tokens()}
    assert token.id in {item.id for item in admin.tokens(ended=True)}


def test_a_bound_token_counts_beside_its_certificate_only(site: Site, tmp_path: Path) -> None:
    own, other = site.certificate("owner", "support:viewer"), site.certificate("other", "support:submitter")
    assert own.certificate is not None
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(own.certificate.read_text())).hexdigest()
    make = site.daemon.client.create_token
    token, secret = make("robot", grants_of(["support:submitter"]), certificate=fingerprint)
    assert token.certificate == fingerprint
    alone = site.bearing("robot", secret)
    found = site.as_(replace(own, token_file=alone.token_file)).who_am_i()
    assert (found.subject, found.authentication) == ("robot", "token")
    assert [str(grant) for grant in found.grants] == ["support:submitter"], "the token's, not the certificate's"
    for credentials in (alone, replace(other, token_file=alone.token_file)):
        error = refusal(site.as_(credentials).who_am_i)
        assert (error.code, error.reason) == ("unauthenticated", "CREDENTIAL_BOUND")
        assert secret not in error.message
    site.authority.revoke("owner")
    error = eventually(lambda: (said := refused_or_none(site.as_(replace(own, token_file=alone.token_file)))) and said)
    assert error.reason == "CREDENTIAL_REVOKED", "a token does not outlive its certificate"
    for nonsense in ("abc", fingerprint.upper(), fingerprint + "0", "../" * 30):
        error = refusal(lambda nonsense=nonsense: make("x", grants_of(["support:viewer"]), certificate=nonsense))
        assert error.metadata["field"] == "certificate"


def refused_or_none(client: Client) -> RefusedError | None:
    try:
        client.who_am_i()
    except RefusedError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("subject", "grants", "days", "field"),
    [
        ("", ["support:viewer"], 1, "subject"),
        ("a b", ["support:viewer"], 1, "subject"),
        ("x" * 129, ["support:viewer"], 1, "subject"),
        ("ci", [], 1, "grants"),
        ("ci", ["Support:viewer"], 1, "grants.project"),
        ("ci", ["support:viewer"], 400, "lifetime_seconds"),
    ],
)
def test_tokens_that_make_no_sense_are_refused(
    site: Site, subject: str, grants: list[str], days: float, field: str
) -> None:
    error = refusal(lambda: site.daemon.client.create_token(subject, grants_of(grants), days=days))
    assert (error.reason, error.metadata["field"]) == ("FIELD_INVALID", field)


def test_revoking_or_blocking_ends_open_streams_within_five_seconds(new_site: NewSite) -> None:
    site = new_site("").start()
    owner = site.daemon.client
    revoked, blocked = (site.as_(site.token(name, "support:submitter")) for name in ("revoked", "blocked"))
    run = revoked.create_run(source_in(site, "support", a_plan(a_step("one", [{"sleep": 60}])))).run.id
    ended: dict[str, tuple[float, str]] = {}

    def follow(name: str, client: Client) -> None:
        try:
            for _ in client.watch(run):
                pass
        except RefusedError as error:
            ended[name] = (time.monotonic(), error.reason)

    threads = [
        threading.Thread(target=follow, args=(name, client), daemon=True)
        for name, client in (("revoked", revoked), ("blocked", blocked))
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: len(list(owner.list_events(run))) > 2)
    (token,) = [item for item in owner.tokens() if item.subject == "revoked"]
    begun = time.monotonic()
    owner.revoke_token(token.id)
    owner.block("blocked", reason="left the company")
    for thread in threads:
        thread.join(10)
    assert {name: reason for name, (_, reason) in ended.items()} == {
        "revoked": "CREDENTIAL_REVOKED",
        "blocked": "CREDENTIAL_REVOKED",
    }
    assert max(moment for moment, _ in ended.values()) - begun <= 5.0
    assert refusal(blocked.who_am_i).metadata["subject"] == "blocked"
    assert [item.subject for item in owner.blocked()] == ["blocked"]
    owner.unblock("blocked")
    assert blocked.who_am_i().subject == "blocked"
    assert refusal(lambda: owner.unblock("blocked")).reason == "IDENTITY_NOT_BLOCKED"
    told = {event.kind for event in owner.access_events()}
    assert told >= {"token_created", "token_revoked", "identity_blocked", "identity_unblocked", "stream_ended"}
    owner.cancel(run, mode="now")


def test_a_token_ends_with_its_time(site: Site) -> None:
    brief = site.as_(site.token("brief", "support:viewer", days=2 / 86400))
    assert brief.who_am_i().subject == "brief"
    error = eventually(lambda: refused_by(brief), 10)
    assert error.reason == "CREDENTIAL_EXPIRED"


def refused_by(client: Client) -> RefusedError | None:
    try:
        client.who_am_i()
    except RefusedError as error:
        return error
    return None


def test_a_token_that_others_can_read_is_not_shown(site: Site) -> None:
    credentials = site.token("open", "support:viewer")
    assert credentials.token_file is not None
    credentials.token_file.chmod(0o644)
    with pytest.raises(CredentialError, match="can be read by others"):
        site.as_(credentials)


def test_tokens_outlive_a_restart_and_so_do_revocations(new_site: NewSite) -> None:
    site = new_site("").start()
    kept, gone = site.token("kept", "support:viewer"), site.token("gone", "support:viewer")
    (token,) = [item for item in site.daemon.client.tokens() if item.subject == "gone"]
    site.daemon.client.revoke_token(token.id)
    site.daemon.kill()
    site.start()
    assert site.as_(kept).who_am_i().subject == "kept"
    assert refusal(site.as_(gone).who_am_i).reason == "CREDENTIAL_REVOKED"


def test_a_token_works_over_loopback_without_tls(new_site: NewSite) -> None:
    site = new_site("")
    site.access_file.write_text(
        'api_version: tunewright/access/v1\nlisten: [{address: "127.0.0.1:0", callers: tokens}]\n'
    )
    site.start()
    _, plain = site.daemon.client.server_info().addresses
    token = site.token("ci", "support:viewer")
    with connect(plain, credentials=Credentials(token_file=token.token_file)) as client:
        assert client.who_am_i().subject == "ci"
        assert list(client.list_runs()) == []
    with connect(plain) as client, pytest.raises(ClientError) as caught:
        client.who_am_i()
    assert isinstance(caught.value, RefusedError)
    assert caught.value.reason == "CREDENTIAL_MISSING"


def test_the_client_for_event_loops_shows_credentials_too(site: Site) -> None:
    certificates, tokens = site.addresses

    async def ask(target: str, credentials: Credentials) -> str:
        async with aio.connect(target, credentials=credentials, project="support") as client:
            assert [run async for run in client.list_runs()] == []
            return (await client.who_am_i()).subject

    assert asyncio.run(ask(certificates, site.certificate("loop", "support:viewer"))) == "loop"
    assert asyncio.run(ask(tokens, site.token("looped", "support:viewer"))) == "looped"
    with pytest.raises(CredentialError, match="takes callers with a certificate only"):
        asyncio.run(ask(certificates, Credentials(authority=site.authority.certificate_file)))
