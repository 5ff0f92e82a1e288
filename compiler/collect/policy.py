"""Find the policy that holds here. A policy that can't be read stops everything: it never counts as none."""

import os
from pathlib import Path

from tunewright.spec.source import SourceFile

VARIABLE = "TUNEWRIGHT_POLICY"
SYSTEM_POLICY = Path("/etc/tunewright/policy.yaml")

_LONGEST = 2**20


class PolicyFileError(ValueError):
    """The policy can't be read; the message is a sentence for the user."""


def find_policy(home: Path, chosen: str | None = None, *, system: Path = SYSTEM_POLICY) -> SourceFile | None:
    """Return the policy that was chosen, else that of the environment, the home or the machine; None without any.

    Raise PolicyFileError when one is named or there and can't be read.
    """
    for named in (chosen, os.environ.get(VARIABLE)):
        if named:
            source = _read(Path(named))
            if source is None:
                raise PolicyFileError(f"there is no policy `{named}`")
            return source
    for path in (home / "policy.yaml", system):
        source = _read(path)
        if source is not None:
            return source
    return None


def _read(path: Path) -> SourceFile | None:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PolicyFileError(f"the policy `{path}` can't be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise PolicyFileError(f"the policy `{path}` is longer than {_LONGEST // 2**20} MiB")
    return SourceFile(str(path), content.decode("utf-8-sig", errors="surrogateescape"))
