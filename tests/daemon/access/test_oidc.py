"""The site's issuer: a real one on this machine; its tokens are checked, mapped and refused, and its keys change."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.daemons import Daemon, eventually
from harness.sites import Site

from tunewright.client.errors import ClientError, RefusedError

GRANTS = """\
oidc: {{issuer: "{issuer}", audience: tunewright}}
grants:
  - {{group: ml-team, roles: [viewer, submitter], projects: [support]}}
  - {{subject: zoe, roles: [auditor], projects: ["*"]}}
"""


@dataclass
class IssuerServer:
    """Serves its keys, and signs."""

    keys: dict[str, Any] = field(default_factory=dict)
    fetched: int = 0
    silent: bool = False

    def __post_init__(self) -> None:
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetched += self.path == "/keys"
                if issuer.silent:
                    self.send_error(503)
                    return
                body = json.dumps(issuer.page(self.path)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Its name."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def page(self, path: str) -> dict[str, Any]:
        """Return what a path answers."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        return {"keys": [self.public(name) for name in self.keys]}

    def public(self, name: str) -> dict[str, Any]:
        """Return a key as the page shows it."""
        key = self.keys[name]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        shown: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
        return {**shown, "kid": name, "alg": algorithm, "use": "sig"}

    def sign(self, name: str, **claims: Any) -> str:
        """Return a token; claims that are None are left out."""
        key, now = self.keys[name], int(time.time())
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        usual = {"iss": self.address, "aud": "tunewright", "sub": "anna", "groups": ["ml-team"], "iat": now}
        content = {**usual, "exp": now + 600, **claims}
        content = {claim: value for claim, value in content.items() if value is not None}
        return jwt.encode(content, key, algorithm=algorithm, headers={"kid": name})


@pytest.fixture(scope="module")
def issuer() -> Iterator[IssuerServer]:
    """An issuer with a key of each kind."""
    issuer = IssuerServer()
    issuer.keys = {"first": rsa.generate_private_key(65537, 2048), "curve": ec.generate_private_key(ec.SECP256R1())}
    yield issuer
    issuer.server.shutdown()


@pytest.fixture(scope="module")
def trusting(issuer: IssuerServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that takes the issuer's tokens."""
    folder = tmp_path_factory.mktemp("trusting")
    site = Site(folder, Daemon(folder / "home"), GRANTS.format(issuer=issuer.address))
    try:
        yield site.prepare().start()
    finally:
        site.clean_up()


def refusal(call: Callable[[], object]) -> RefusedError:
    """Return the refusal that is not about calling too often."""

    def once() -> RefusedError | None:
        with pytest.raises(RefusedError) as caught:
            call()
        return None if caught.value.reason == "RATE_LIMITED" else caught.value

    return eventually(once)


@pytest.mark.parametrize("key", ["first", "curve"])
def test_groups_become_roles(trusting: Site, issuer: IssuerServer, key: str) -> None:
    me = trusting.as_(trusting.bearing("anna", issuer.sign(key))).who_am_i()
    assert (me.subject, me.authentication) == ("anna", "oidc")
    assert [str(grant) for grant in me.grants] == ["support:submitter", "support:viewer"]
    zoe = trusting.as_(trusting.bearing("zoe", issuer.sign(key, sub="zoe", groups=["others"]))).who_am_i()
    assert [str(grant) for grant in zoe.grants] == ["*:auditor"]
    stranger = trusting.as_(trusting.bearing("yan", issuer.sign(key, sub="yan", groups=None))).who_am_i()
    assert stranger.grants == ()


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1}, "CREDENTIAL_EXPIRED"),
        ({"exp": None}, "CREDENTIAL_INVALID"),
        ({"nbf": int(time.time()) + 3600}, "CREDENTIAL_INVALID"),
        ({"aud": "another service"}, "CREDENTIAL_INVALID"),
        ({"aud": None}, "CREDENTIAL_INVALID"),
        ({"iss": "https://elsewhere.example"}, "CREDENTIAL_INVALID"),
        ({"sub": None}, "CREDENTIAL_INVALID"),
        ({"sub": "two words"}, "CREDENTIAL_INVALID"),
    ],
)
def test_tokens_that_are_not_for_us_are_refused(
    trusting: Site, issuer: IssuerServer, claims: dict[str, Any], reason: str
) -> None:
    shown = trusting.bearing("odd", issuer.sign("first", **claims))
    assert refusal(trusting.as_(shown).who_am_i).reason == reason


def test_forged_tokens_are_refused(trusting: Site, issuer: IssuerServer) -> None:
    forger = IssuerServer(keys={"first": rsa.generate_private_key(65537, 2048)})
    body = {"iss": issuer.address, "aud": "tunewright", "sub": "anna", "exp": int(time.time()) + 600}
    public = issuer.public("first")
    forged = {
        "another key under the same name": forger.sign("first", iss=issuer.address),
        "unsigned": jwt.encode(body, None, algorithm="none", headers={"kid": "first"}),
        # The public key as a shared secret: the classic confusion of algorithms.
        "shared secret": jwt.encode(body, public["n"], algorithm="HS256", headers={"kid": "first"}),
        "no name of a key": jwt.encode(body, issuer.keys["first"], algorithm="RS256"),
    }
    forger.server.shutdown()
    for name, token in forged.items():
        shown = trusting.bearing("forged", token)
        assert refusal(trusting.as_(shown).who_am_i).reason == "CREDENTIAL_INVALID", name


def test_new_keys_of_the_issuer_are_fetched(trusting: Site, issuer: IssuerServer) -> None:
    assert trusting.as_(trusting.bearing("anna", issuer.sign("first"))).who_am_i().subject == "anna"
    issuer.keys["second"] = rsa.generate_private_key(65537, 2048)
    shown = trusting.bearing("anna", issuer.sign("second"))

    def known() -> bool:
        try:
            return trusting.as_(shown).who_am_i().subject == "anna"
        except RefusedError:
            return False

    eventually(known, 30)
    fetched = issuer.fetched
    for _ in range(3):
        trusting.as_(shown).who_am_i()
    assert issuer.fetched == fetched, "keys that are known are not fetched for each call"


def test_an_issuer_that_does_not_answer_is_named(issuer: IssuerServer, new_site: Callable[[str], Site]) -> None:
    silent = IssuerServer(keys=dict(issuer.keys), silent=True)
    site = new_site(GRANTS.format(issuer=silent.address)).start()
    with pytest.raises(ClientError, match="does not answer, so its tokens can't be checked"):
        site.as_(site.bearing("anna", silent.sign("first"))).who_am_i()
    assert site.as_(site.token("ci", "support:viewer")).who_am_i().subject == "ci", "our own tokens need no issuer"
    silent.server.shutdown()


def test_an_issuer_over_an_open_line_is_refused(new_site: Callable[[str], Site]) -> None:
    site = new_site(GRANTS.format(issuer="http://login.example")).start()
    assert site.daemon.wait() == 3
    assert "must begin with https://" in site.daemon.log
