"""May this identity make this call? Decided by the table of rules, before the method sees the request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.daemon.access.calls import Call
from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.limits import UNLIMITED, Limits
from tunewright.daemon.access.roles import Permission, roles_with
from tunewright.daemon.access.rules import Place, Rule
from tunewright.daemon.access.site import Site
from tunewright.daemon.engine.states import DEFAULT_PROJECT
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services import requests
from tunewright.daemon.store import deployments, runs
from tunewright.daemon.store.database import Database
from tunewright.spec.access import ALL_PROJECTS, is_project


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Decides about calls. `site` answers what the site has decided, as it is now."""

    database: Database
    site: Callable[[], Site]

    def limits(self, identity: Identity) -> Limits:
        """Return how much somebody may ask for: the daemon's own user owns everything anyway."""
        return UNLIMITED if identity.is_local else self.site().limits

    def authorise(self, rule: Rule, identity: Identity, request: Any) -> Call:
        """Return what the method is to know of the call; raise RefusedError when it must not be made.

        What lies in a project that the caller can't read is refused as if it did not exist.
        """
        call = Call(identity=identity, limits=self.limits(identity), projects=identity.projects(Permission.READ))
        if rule.permission is None:
            return call
        projects = identity.projects(rule.permission)
        if projects is not None and (not projects or rule.place is Place.EVERYWHERE):
            raise _missing(identity, rule.permission, ALL_PROJECTS if rule.place is Place.EVERYWHERE else "")
        match rule.place:
            case Place.NOWHERE | Place.EVERYWHERE:
                return replace(call, projects=projects)
            case Place.VISIBLE:
                asked = getattr(request, "project", "")
                if asked:
                    _check(identity, rule.permission, asked, "project")
                return replace(call, projects=frozenset({asked}) if asked else projects)
            case Place.SOURCE:
                source = getattr(request, rule.field)
                alone = next(iter(projects)) if projects is not None and len(projects) == 1 else DEFAULT_PROJECT
                project, field = source.project or alone, f"{rule.field}.project"
                _check(identity, rule.permission, project, field)
                call = self._in_project(call, project)
                _check_folder(requests.base_directory(source), call)
                return call
            case _:
                found = _FINDERS[rule.place](self.database, getattr(request, rule.field), rule.field)
                project = _seen(*found, identity)
                if project:
                    _check(identity, rule.permission, project, rule.field)
                return self._in_project(call, project)

    def _in_project(self, call: Call, project: str) -> Call:
        folders = None if call.identity.is_local else self.site().folders(project)
        return replace(call, project=project, projects=frozenset({project}), folders=folders)


_Found = tuple[str | None, RefusedError]


def _of_run(database: Database, name: str, field: str) -> _Found:
    identifier = requests.name_part(name, "runs", field)
    return runs.project_of(database.read, identifier), requests.run_missing(identifier)


def _of_step(database: Database, name: str, _: str) -> _Found:
    identifier = requests.step_parts(name)[0]
    return runs.project_of(database.read, identifier), requests.run_missing(identifier)


def _of_deployment(database: Database, name: str, field: str) -> _Found:
    identifier = requests.name_part(name, "deployments", field)
    return deployments.project_of(database.read, identifier), requests.deployment_missing(identifier)


#: Where a call acts -> the project of what it names (None: there is no such thing), and how to say that it is not so.
_FINDERS: Mapping[Place, Callable[[Database, str, str], _Found]] = {
    Place.RUN: _of_run,
    Place.STEP: _of_step,
    Place.DEPLOYMENT: _of_deployment,
}


def _seen(project: str | None, missing: RefusedError, identity: Identity) -> str:
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
    where = {"": "any project", ALL_PROJECTS: "all projects"}.get(project, f"project {project}")
    message = f"{identity.subject} has not the permission to {permission} in {where}: it takes the role {roles}"
    return RefusedError("PERMISSION_MISSING", message, permission=permission, project=project, roles=roles)


def _check_folder(folder: Path, call: Call) -> None:
    if call.folders is None or any(folder.resolve().is_relative_to(place.resolve()) for place in call.folders):
        return
    places = ", ".join(map(str, call.folders)) or "none: the daemon's access file names them under `projects`"
    message = f"{folder} is in no folder of project {call.project} on the daemon's machine ({places})"
    raise RefusedError("FOLDER_FORBIDDEN", message, folder=str(folder), project=call.project)
