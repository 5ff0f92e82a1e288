"""May this identity make this call? Decided by the table of rules, before the method sees the request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.daemon.access.calls import Call
from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.limits import UNLIMITED
from tunewright.daemon.access.roles import Permission, roles_with
from tunewright.daemon.access.rules import Place, Rule
from tunewright.daemon.access.site import Site
from tunewright.daemon.engine.states import DEFAULT_PROJECT
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services import requests
from tunewright.daemon.store import deployments, runs
from tunewright.daemon.store.database import Database
from tunewright.spec.access import is_project


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Decides about calls. `site` answers what the site has decided, as it is now."""

    database: Database
    site: Callable[[], Site]

    def authorise(self, rule: Rule, identity: Identity, request: Any) -> Call:
        """Return what the method is to know of the call; raise RefusedError when it must not be made.

        What lies in a project that the caller can't read is refused as if it did not exist.
        """
        limits = UNLIMITED if identity.is_local else self.site().limits
        if rule.permission is None:
            return Call(identity=identity, limits=limits, projects=identity.projects(Permission.READ))
        projects = identity.projects(rule.permission)
        if projects is not None and (not projects or rule.place is Place.EVERYWHERE):
            raise _missing(identity, rule.permission, "*" if rule.place is Place.EVERYWHERE else "")
        match rule.place:
            case Place.SOURCE:
                return self._for_source(rule.permission, identity, limits, getattr(request, rule.field))
            case Place.VISIBLE:
                asked = getattr(request, "project", "")
                if asked:
                    _check(identity, rule.permission, asked, "project")
                    projects = frozenset({asked})
                return Call(identity=identity, limits=limits, projects=projects)
            case Place.NOWHERE | Place.EVERYWHERE:
                return Call(identity=identity, limits=limits, projects=projects)
        project = _FINDERS[rule.place](self.database, getattr(request, rule.field), identity)
        if project:
            _check(identity, rule.permission, project, rule.field)
        folders = None if identity.is_local else self.site().folders(project)
        return Call(identity=identity, limits=limits, project=project, projects=frozenset({project}), folders=folders)

    def _for_source(self, permission: Permission, identity: Identity, limits: Any, source: Any) -> Call:
        projects = identity.projects(permission)
        alone = next(iter(projects)) if projects is not None and len(projects) == 1 else DEFAULT_PROJECT
        project = source.project or alone
        _check(identity, permission, project, "source.project")
        if identity.is_local:
            folders = None
        else:
            folders = self.site().folders(project)
            _check_folder(Path(source.base_directory), folders, project)
        return Call(identity=identity, limits=limits, project=project, projects=frozenset({project}), folders=folders)


def _of_run(database: Database, name: str, identity: Identity, field: str = "name") -> str:
    identifier = requests.name_part(name, "runs", field)
    return _seen(runs.project_of(database.read, identifier), identity, requests.run_missing(identifier))


def _of_step(database: Database, name: str, identity: Identity) -> str:
    identifier, _ = requests.step_parts(name)
    return _seen(runs.project_of(database.read, identifier), identity, requests.run_missing(identifier))


def _of_deployment(database: Database, name: str, identity: Identity) -> str:
    identifier = requests.name_part(name, "deployments")
    found = deployments.project_of(database.read, identifier)
    return _seen(found, identity, requests.deployment_missing(identifier))


_FINDERS: Mapping[Place, Callable[[Database, str, Identity], str]] = {
    Place.RUN: _of_run,
    Place.STEP: _of_step,
    Place.DEPLOYMENT: _of_deployment,
}


def _seen(project: str | None, identity: Identity, missing: RefusedError) -> str:
    if project is None and identity.projects(Permission.READ) is None:
        return ""  # the method says what is wrong first; there is nothing that this caller may not know of
    if project is None or not any(identity.may(permission, project) for permission in Permission):
        raise missing
    return project


def _check(identity: Identity, permission: Permission, project: str, field: str) -> None:
    if not is_project(project):
        raise requests.invalid(field, "must name a project: lower-case letters, digits and `-`, at most 63")
    if not identity.may(permission, project):
        raise _missing(identity, permission, project)


def _missing(identity: Identity, permission: Permission, project: str) -> RefusedError:
    roles = ", ".join(roles_with(permission))
    where = {"": "any project", "*": "all projects"}.get(project, f"project {project}")
    message = f"{identity.subject} has not the permission to {permission} in {where}: it takes the role {roles}"
    return RefusedError("PERMISSION_MISSING", message, permission=permission, project=project, roles=roles)


def _check_folder(folder: Path, allowed: tuple[Path, ...], project: str) -> None:
    if any(folder.resolve().is_relative_to(place.resolve()) for place in allowed):
        return
    places = ", ".join(map(str, allowed)) or "none: the daemon's access file names them under `projects`"
    message = f"{folder} is in no folder of project {project} on the daemon's machine ({places})"
    raise RefusedError("FOLDER_FORBIDDEN", message, folder=str(folder), project=project)
