"""Ask a service whether it is well: one request to this machine, with a bound on the time."""

from pathlib import Path

from tunewright.daemon.supervise.asking import ask, place_of
from tunewright.daemon.supervise.listeners import belongs_to, taken_by_others


def answers(bundle: Path, address: str, path: str, timeout_seconds: float) -> bool:
    """Answer whether `GET address/path` is answered well within the time, by a process of the bundle's attempt.

    Whatever else comes, or whoever else answers, is a no.
    """
    place = place_of(address)
    if place is None:
        return False
    answer = ask(place, path, seconds=timeout_seconds)
    return answer is not None and 200 <= answer.status < 300 and belongs_to(bundle, place.host, place.port)


def is_foreign(bundle: Path, address: str) -> bool:
    """Answer whether somebody else than the bundle's attempt listens at an address of this machine."""
    place = place_of(address)
    return place is not None and taken_by_others(bundle, place.host, place.port)
