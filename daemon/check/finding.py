"""What a look at a daemon and its home found, and what that means for whoever watches it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is; the worst one is the exit code, as monitoring systems read it."""

    OK = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: a name that stays, how it is, and what to do where it is not well."""

    name: str
    level: Level
    message: str
    help: str = ""


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level of all."""
    return max((finding.level for finding in findings), default=Level.OK)


def as_json(findings: Sequence[Finding]) -> str:
    """Return all findings as one JSON object."""
    rows = [{**asdict(finding), "level": finding.level.name.lower()} for finding in findings]
    return json.dumps({"level": worst(findings).name.lower(), "findings": rows}, ensure_ascii=False, indent=2) + "\n"


def as_text(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, and one for what to do about it."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level.name.lower():8} {finding.name:13} {finding.message}\n")
        if finding.help:
            lines.append(f"{'':8} {'':13} {finding.help}\n")
    return "".join(lines)
