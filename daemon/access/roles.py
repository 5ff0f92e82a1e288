"""Roles and what each allows. No role includes another: who trains does not approve, who administers does neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tunewright.daemon.store.projects import Projects
from tunewright.spec.access import ALL_PROJECTS, Role


class Permission(StrEnum):
    """What a call needs."""

    READ = "read"
    COMPILE = "compile"
    SUBMIT = "submit"
    APPROVE = "approve"
    DEPLOY = "deploy"
    AUDIT = "audit"
    ADMINISTER = "administer"


ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.SUBMITTER: frozenset({Permission.READ, Permission.COMPILE, Permission.SUBMIT}),
    Role.APPROVER: frozenset({Permission.READ, Permission.APPROVE}),
    Role.DEPLOYER: frozenset({Permission.READ, Permission.DEPLOY}),
    Role.AUDITOR: frozenset({Permission.READ, Permission.AUDIT}),
    Role.ADMIN: frozenset({Permission.ADMINISTER}),
}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One role in one project, or in all."""

    project: str
    role: Role


def allowed_projects(grants: frozenset[Grant], permission: Permission) -> Projects:
    """Return the projects in which grants give a permission; None for all."""
    found = {grant.project for grant in grants if permission in ROLES[grant.role]}
    return None if ALL_PROJECTS in found else frozenset(found)


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """Return the roles that give a permission."""
    return tuple(role for role, permissions in ROLES.items() if permission in permissions)
