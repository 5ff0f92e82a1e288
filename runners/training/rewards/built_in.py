"""The rewards of spec/rewards.py. Each takes a reply and its row, and its options by name; it returns one number."""

import json
import re
from collections.abc import Mapping
from typing import Any


def exact_match(reply: str, row: Mapping[str, Any], *, column: str) -> float:
    """Pay 1 for a reply that equals a column of the row, apart from white space around it."""
    return float(reply.strip() == str(row[column]).strip())


def contains(reply: str, row: Mapping[str, Any], *, column: str) -> float:
    """Pay 1 for a reply that has the text of a column of the row in it."""
    return float(str(row[column]).strip() in reply)


def json_valid(reply: str, _row: Mapping[str, Any]) -> float:
    """Pay 1 for a reply that is JSON and nothing else."""
    try:
        json.loads(reply)
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


def regex(reply: str, _row: Mapping[str, Any], *, pattern: str) -> float:
    """Pay 1 for a reply in which the pattern is found."""
    return float(re.search(pattern, reply) is not None)


def length(reply: str, _row: Mapping[str, Any], *, least: int, most: int) -> float:
    """Pay 1 for a reply of `least` to `most` characters, and less the shorter or longer it is."""
    size = len(reply)
    if size < least:
        return size / least
    return most / size if size > most else 1.0
