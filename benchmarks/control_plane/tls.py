"""A site with an authority of its own: the daemon listens for certificates, and one person has one."""

from pathlib import Path

from tunewright.client.authority import Authority
from tunewright.client.credentials import Credentials

_ACCESS = """\
api_version: tunewright/access/v1
listen:
  - {address: "127.0.0.1:0", callers: certificates}
tls: {certificate: tls/server.pem, key: tls/server.key}
certificates: {authority: ca/ca.pem, revocations: ca/revoked.pem, grants: true}
limits: {requests_per_second: 100000}
"""


def add_tls(folder: Path) -> tuple[Credentials, Path]:
    """Make authority, certificates and access file; return a viewer's credentials and the access file."""
    folder.mkdir(parents=True)
    authority = Authority(folder / "ca")
    authority.create("benchmark")
    authority.issue_server(["127.0.0.1"], 1, folder / "tls")
    authority.issue_client("ann", ["default:viewer"], 1, folder / "people")
    (folder / "access.yaml").write_text(_ACCESS, encoding="utf-8")
    people = folder / "people"
    credentials = Credentials(
        authority=authority.certificate_file, certificate=people / "ann.pem", key=people / "ann.key"
    )
    return credentials, folder / "access.yaml"
