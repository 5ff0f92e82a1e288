"""The words of access that both sides of the API use: roles, and how a certificate carries them."""

import re
from enum import StrEnum

#: Stands in a grant for every project, also those to come.
ALL_PROJECTS = "*"
#: How our own authority writes a role in a project into a certificate: as one of its names, a URI.
GRANT_URI = "urn:tunewright:grant:"

_PROJECT = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_-]{0,127}")


class Role(StrEnum):
    """What somebody is in a project."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    APPROVER = "approver"
    DEPLOYER = "deployer"
    AUDITOR = "auditor"
    ADMIN = "admin"


def is_project(name: str) -> bool:
    """Answer whether a text can name a project."""
    return _PROJECT.fullmatch(name) is not None


def is_subject(name: str) -> bool:
    """Answer whether a text can name somebody."""
    return _SUBJECT.fullmatch(name) is not None
