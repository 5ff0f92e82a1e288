"""Sites with real certificates: an authority of our own, a daemon that listens for its certificates and for tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.daemons import Daemon
from harness.plans import text_of

from tunewright.client.access_values import Grant
from tunewright.client.api import Client, connect
from tunewright.client.authority import Authority
from tunewright.client.credentials import Credentials
from tunewright.client.values import SpecSource
from tunewright.compiler.ir.plan import Plan
from tunewright.spec.access import Role

ACCESS = """\
api_version: tunewright/access/v1
listen:
  - {address: "127.0.0.1:0", callers: certificates}
  - {address: "127.0.0.1:0", callers: tokens}
tls: {certificate: tls/server.pem, key: tls/server.key}
certificates: {authority: ca/ca.pem, revocations: ca/revoked.pem, grants: true}
projects:
  support: {folders: [support]}
  sales: {folders: [sales]}
"""


@dataclass
class Site:
    """A folder with an authority, credentials, an access file and a daemon that uses them."""

    folder: Path
    daemon: Daemon
    more: str = ""
    clients: list[Client] = field(default_factory=list)

    @property
    def authority(self) -> Authority:
        """The site's authority."""
        return Authority(self.folder / "ca")

    @property
    def access_file(self) -> Path:
        """The access file."""
        return self.folder / "access.yaml"

    def prepare(self) -> "Site":
        """Make authority, the daemon's certificate and the access file."""
        self.authority.create("the test's site")
        self.authority.issue_server(["127.0.0.1", "localhost"], 1, self.folder / "tls")
        for project in ("support", "sales"):
            (self.folder / project).mkdir(exist_ok=True)
        self.access_file.write_text(ACCESS + self.more)
        return self

    def start(self, *arguments: str) -> "Site":
        """Start the daemon."""
        self.daemon.start("--access", str(self.access_file), *arguments)
        return self

    @property
    def addresses(self) -> tuple[str, str]:
        """Where certificates are taken, and where tokens are."""
        _, certificates, tokens = self.daemon.client.server_info().addresses
        return certificates, tokens

    def certificate(self, subject: str, *grants: str, days: int = 1) -> Credentials:
        """Issue a certificate and return it with its key."""
        self.authority.issue_client(subject, grants, days, self.folder / "people")
        return self.shown(subject)

    def shown(self, subject: str) -> Credentials:
        """Return the certificate that was issued for somebody."""
        people = self.folder / "people"
        return Credentials(
            authority=self.authority.certificate_file,
            certificate=people / f"{subject}.pem",
            key=people / f"{subject}.key",
        )

    def token(self, subject: str, *grants: str, days: float = 1) -> Credentials:
        """Make a token, as the daemon's own user."""
        _, secret = self.daemon.client.create_token(subject, grants_of(grants), days=days)
        return self.bearing(subject, secret)

    def bearing(self, subject: str, secret: str) -> Credentials:
        """Return credentials with this token."""
        path = self.folder / f"{subject}.token"
        path.write_text(secret)
        path.chmod(0o600)
        return Credentials(authority=self.authority.certificate_file, token_file=path)

    def as_(self, credentials: Credentials, **more: Any) -> Client:
        """Return a client that shows these credentials where they are taken."""
        certificates, tokens = self.addresses
        target = certificates if credentials.certificate is not None else tokens
        client = connect(target, credentials=credentials, patience_seconds=5.0, **more)
        self.clients.append(client)
        return client

    def clean_up(self) -> None:
        """End everything."""
        for client in self.clients:
            client.close()
        self.daemon.clean_up()


def grants_of(texts: Sequence[str]) -> tuple[Grant, ...]:
    """Return `PROJECT:ROLE` texts as grants."""
    pairs = [text.split(":") for text in texts]
    return tuple(Grant(project, Role(role)) for project, role in pairs)


def source_in(site: Site, project: str, plan: Plan) -> SpecSource:
    """Return the source that stands for a plan, in a project's folder."""
    return SpecSource(text=text_of(plan), path="life.yaml", base_directory=str(site.folder / project), project=project)
