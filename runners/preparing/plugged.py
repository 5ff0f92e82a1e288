"""Rows through what other packages add: filters and preprocessors. Standard library only."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tunewright.runners.plug_ins import failed, plug_in
from tunewright.runners.preparing.rows import Row
from tunewright.runners.sdk import StepFailedError


def plugged(
    rows: Iterable[tuple[str, Row]],
    preprocessors: Sequence[str],
    filters: Sequence[str],
    leave_out: Callable[[str, str], None],
) -> Iterator[tuple[str, Row]]:
    """Yield `(place, row)` of the rows that every preprocessor in turn makes of each, and that every filter lets pass.

    A preprocessor is `row -> rows`, a filter `row -> bool`; both get a copy of the row as it is in the file.
    `leave_out` hears place and reason.
    """
    making = [(name, plug_in("preprocessor", name)) for name in preprocessors]
    passing = [(name, plug_in("filter", name)) for name in filters]
    for place, own in rows:
        made = [own]
        for name, make in making:
            made = [row for each in made for row in _made(name, make, each, place)]
        if not made:
            leave_out(place, f"{preprocessors[-1]} makes no row of it")
        for row in made:
            refusing = next((name for name, passes in passing if not _passes(name, passes, row, place)), None)
            if refusing is None:
                yield place, row
            else:
                leave_out(place, f"{refusing} leaves it out")


def _made(name: str, make: Callable[[Row], Any], row: Row, place: str) -> list[Row]:
    try:
        rows = list(make(copy.deepcopy(row)))
    except Exception as error:  # whatever the package raises
        raise failed("preprocessor", name, place, error) from error
    for item in rows:
        if not isinstance(item, dict):
            raise StepFailedError(
                f"{place}: the preprocessor `{name}` gave a {type(item).__name__}, not a row",
                reason="PLUG_IN_FAILED",
                help="a preprocessor returns a list of rows, each a dict",
            )
    return rows


def _passes(name: str, passes: Callable[[Row], Any], row: Row, place: str) -> bool:
    try:
        return bool(passes(copy.deepcopy(row)))
    except Exception as error:  # whatever the package raises
        raise failed("filter", name, place, error) from error
