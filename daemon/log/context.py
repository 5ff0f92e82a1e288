"""What the lines of the log are about: the call, run and attempt that the daemon works for at this moment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

Fields = Mapping[str, str | int]

_FIELDS: ContextVar[Fields] = ContextVar("tunewright_log_fields", default=MappingProxyType({}))


def current() -> Fields:
    """Return what is being worked for: `project`, `run`, `step`, `attempt`, `request`, `method`, `caller`."""
    return _FIELDS.get()


def work_for(**fields: str | int) -> None:
    """Say it until the current task ends; empty values say nothing."""
    _FIELDS.set({**_FIELDS.get(), **{name: value for name, value in fields.items() if value}})


@contextmanager
def working_for(**fields: str | int) -> Iterator[None]:
    """Say it for as long as this lasts."""
    before = _FIELDS.get()
    work_for(**fields)
    try:
        yield
    finally:
        _FIELDS.set(before)
