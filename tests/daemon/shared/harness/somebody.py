"""Be another user of this machine: a process that has everything imported, and then is them. Only root can."""

import json
import os
import pwd
import subprocess
import sys
from typing import Any

import pytest
from harness.daemons import PACKAGE_ROOT

#: Users and groups that Debian and its children bring along, and what nobody is called.
MAN, BACKUP, NAMELESS = "man", "backup", 54_321

_AS = """
import json, os, sys
from tunewright.client.api import connect
from tunewright.client.credentials import Credentials
from tunewright.client.errors import ClientError
from tunewright.client import calls, troubles
user, group, groups, target, method, arguments = json.loads(sys.argv[1])
with connect("unix:/nowhere", patience_seconds=0.0) as warm:
    try: warm.who_am_i()
    except ClientError: pass
os.setgroups(groups); os.setgid(group); os.setuid(user)
with connect(target, patience_seconds=30.0) as client:
    try:
        answer = getattr(client, method)(*arguments)
        print(json.dumps({"answer": repr(answer), "subject": getattr(answer, "subject", "")}))
    except ClientError as error:
        print(json.dumps({"reason": getattr(error, "reason", ""), "text": str(error)}))
"""


def needs_root() -> None:
    """Skip where nobody can be somebody else."""
    if os.getuid():
        pytest.skip("only root can be somebody else")


def numbers(user: "str | int") -> tuple[int, int, list[int]]:
    """Return the numbers of a user: their own, their group's, their groups'; skip where the machine has no such."""
    if isinstance(user, int):
        return user, user, []
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        pytest.skip(f"this machine has no user {user}")
    return entry.pw_uid, entry.pw_gid, os.getgrouplist(user, entry.pw_gid)


def ask(user: "str | int", target: str, method: str, *arguments: Any) -> dict[str, str]:
    """Return what the daemon answers when `user` calls a method of the client."""
    words = json.dumps([*numbers(user), target, method, arguments])
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    found = subprocess.run(
        [sys.executable, "-P", "-c", _AS, words], env=environment, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout))
