"""The access file: a site's decisions as they are written, held to as strictly as a spec."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tunewright.daemon.access import site
from tunewright.daemon.access.limits import DEFAULT_LIMITS, Limits
from tunewright.daemon.access.roles import Grant
from tunewright.daemon.access.site import AccessError, Site
from tunewright.daemon.settings import SettingsFileError
from tunewright.daemon.settings_file import read_settings_file
from tunewright.spec.access import Role, is_subject
from tunewright.spec.model.section import Count, Positive, Section
from tunewright.spec.priority import PRIORITIES

Project = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Projects = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9-]{0,62})$")]
RoleName = Literal["viewer", "submitter", "approver", "deployer", "auditor", "admin"]


class ListenerSection(Section):
    """An address, and how those who call there prove who they are."""

    address: str
    """IP address and port, such as `0.0.0.0:7419`, or `unix:` and the path of a socket."""

    callers: Literal["certificates", "tokens", "users"]
    """By certificates of the `certificates.authority`, by bearer tokens (ours, or the issuer's), or as users of this
    machine, whom the kernel names (on a socket only).
    """


class TlsSection(Section):
    """What the daemon shows to those who call."""

    certificate: str
    """File with the certificate and its chain, PEM."""

    key: str
    """File with its private key, PEM; readable by the daemon's user alone."""


class CertificatesSection(Section):
    """Whose certificates callers may have, and what is read from them."""

    authority: str
    """File with the authorities' certificates, PEM."""

    revocations: str | None = None
    """File with the authorities' lists of revoked certificates, PEM."""

    subject: Literal["common_name", "email", "dns", "uri"] = "common_name"
    """What of a certificate names its holder."""

    grants: bool = False
    """Whether grants in certificates count: only for an authority that writes them on purpose, as ours does."""


class OidcSection(Section):
    """The site's issuer of identities."""

    issuer: str
    """Its address, as tokens name it; `https`, or `http` on this machine."""

    audience: str
    """What tokens for this daemon name as their audience."""

    subject: str = "sub"
    """The claim that names the bearer."""

    groups: str = "groups"
    """The claim that lists the bearer's groups."""


class GrantSection(Section):
    """Roles of somebody, or of everybody in a group of the issuer's or of this machine's."""

    subject: str | None = None
    """Who, as certificates, the issuer or `users` name them; `NAME@local` for a user of this machine."""

    group: str | None = None
    """Which group, as the issuer names it."""

    local_group: str | None = None
    """Which group of this machine's users."""

    roles: Annotated[tuple[RoleName, ...], Field(min_length=1)]
    """What they are."""

    projects: Annotated[tuple[Projects, ...], Field(min_length=1)]
    """Where; `*` is every project."""


class ProjectSection(Section):
    """What belongs to a project on this machine."""

    folders: tuple[str, ...] = ()
    """Folders that the project's specs, data and models lie in: nothing else is read for callers from elsewhere."""

    weight: Positive = 1.0
    """Its share of the machine: with 2 it may have twice as much as a project with 1 before it has to wait for it."""


PriorityWord = Literal["low", "normal", "high", "urgent"]


class LimitSection(Section):
    """How much one identity may ask for."""

    requests_per_second: Positive | None = None
    """Calls a second, over a few seconds."""

    streams: Count | None = None
    """Streams open at once."""

    message_bytes: Count | None = None
    """Size of one request."""

    queued_runs: Count | None = None
    """Runs that have not ended."""

    artifact_bytes: Count | None = None
    """Size of all artifacts of one project together; new runs are refused beyond it."""

    priority: PriorityWord | None = None
    """The highest priority of a run that everybody may ask for."""

    priority_of_roles: dict[RoleName, PriorityWord] = Field(default_factory=dict)
    """The highest for those who have a role in the run's project, where it is more."""

    priority_of_subjects: dict[str, PriorityWord] = Field(default_factory=dict)
    """The highest for those who are named, where it is more."""


class AccessFile(Section):
    """The whole file."""

    api_version: Literal["tunewright/access/v1"]
    """The version of the file's language."""

    listen: tuple[ListenerSection, ...] = ()
    """Where, beside the Unix socket."""

    metrics: str | None = None
    """IP address and port that Prometheus reads `/metrics` from, such as `0.0.0.0:9464`. Where other machines reach it,
    whoever reads shows a token or certificate of somebody with the role viewer in all projects."""

    tls: TlsSection | None = None
    """What the daemon shows to those who call."""

    certificates: CertificatesSection | None = None
    """Whose certificates callers may have."""

    oidc: OidcSection | None = None
    """The site's issuer of identities."""

    users: dict[str, str] = Field(default_factory=dict)
    """Users of this machine (`anna`, or `"#1001"` by number) and who they are; others are `NAME@local`."""

    grants: tuple[GrantSection, ...] = ()
    """Who may do what. Certificates of our own authority and our tokens bring their grants with them."""

    projects: dict[Project, ProjectSection] = Field(default_factory=dict)
    """What belongs to projects on this machine."""

    limits: LimitSection = LimitSection()
    """How much one identity may ask for."""


def read_access_file(path: Path) -> Site:
    """Return what the file says; raise AccessError with place and remedy of everything that is wrong with it."""
    try:
        found = read_settings_file(path, AccessFile)
    except SettingsFileError as error:
        raise AccessError(str(error)) from None
    problems = [f"{path}: {problem}" for problem in _problems(found)]
    if problems:
        raise AccessError("\n".join(problems))
    made = _site(found, path.absolute().parent)
    for listener in made.listen:
        site.check_listener(listener, made)
    return made


def _problems(file: AccessFile) -> Iterator[str]:
    for name in file.users.values():
        if not is_subject(name):
            yield f"`{name}` names nobody: letters, digits and `.@_-`, at most 128"
    if file.users and not any(item.callers == "users" for item in file.listen):
        yield "`users` need a listener that they call: add one with `callers: users`"
    for row in file.grants:
        if [row.subject, row.group, row.local_group].count(None) != 2:
            yield "each of `grants` must have one of `subject`, `group` and `local_group`"
        elif row.subject is not None and not is_subject(row.subject):
            yield f"`{row.subject}` names nobody: letters, digits and `.@_-`, at most 128"
        elif row.group is not None and file.oidc is None:
            yield f"nobody can tell who is in the group `{row.group}`: add `oidc`"
        elif row.local_group is not None and not any(item.callers == "users" for item in file.listen):
            yield f"nobody comes from the group `{row.local_group}`: add a listener with `callers: users`"


def _site(file: AccessFile, folder: Path) -> Site:
    """Return the decisions, with every path seen from the file's own folder."""
    tls, certificates, oidc = file.tls, file.certificates, file.oidc
    return Site(
        listen=tuple(site.Listener(address=item.address, callers=item.callers) for item in file.listen),
        metrics=file.metrics,
        tls=site.Tls(certificate=folder / tls.certificate, key=folder / tls.key) if tls else None,
        certificates=site.Certificates(
            authority=folder / certificates.authority,
            revocations=folder / certificates.revocations if certificates.revocations else None,
            subject=certificates.subject,
            grants=certificates.grants,
        )
        if certificates
        else None,
        oidc=site.Oidc(**oidc.model_dump()) if oidc else None,
        rows=tuple(_row(row) for row in file.grants),
        users=file.users,
        places={name: tuple(folder / item for item in project.folders) for name, project in file.projects.items()},
        weights={name: project.weight for name, project in file.projects.items()},
        limits=_limits(file.limits),
    )


def _limits(written: LimitSection) -> Limits:
    """Return the limits; what is not written is as it is without a file."""
    found = written.model_dump(exclude_none=True)
    if written.priority is not None:
        found["priority"] = PRIORITIES[written.priority]
    found["priority_of_roles"] = {Role(name): PRIORITIES[word] for name, word in written.priority_of_roles.items()}
    found["priority_of_subjects"] = {name: PRIORITIES[word] for name, word in written.priority_of_subjects.items()}
    return replace(DEFAULT_LIMITS, **found)


def _row(row: GrantSection) -> site.GrantRow:
    grants = frozenset(Grant(project, Role(role)) for project in row.projects for role in row.roles)
    return site.GrantRow(subject=row.subject, group=row.group, local_group=row.local_group, grants=grants)
