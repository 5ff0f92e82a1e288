"""Rows of data files through one door: each with where it came from, each known to fit its format. Standard library
only.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.spec.columns import renamed
from tunewright.spec.formats import DataError, read_rows, row_problem

Row = dict[str, Any]

#: What a step that prepares data leaves: its rows, and what became of them.
ROWS, REPORT = "rows.jsonl", "report.json"
#: The key of a prepared row that says which row of which file it was; nothing learns from it.
SOURCE = "_source"

_LOOK_UP = 10_000


def files_of(key: str, inputs: Mapping[str, Input]) -> list[Path]:
    """Return the files of the input `key`, or of `key.0`, `key.1`, ...; raise StepFailedError when there are none."""
    names = [key] if key in inputs else [item for item in inputs if item.startswith(f"{key}.")]
    names.sort(key=lambda item: (len(item), item))  # data.x.10 comes after data.x.9
    if not names:
        raise StepFailedError(f"the step has no input `{key}`", reason="INPUT_MISSING", help="plan again")
    paths = (Path(inputs[name].path) for name in names)
    return [path / ROWS if path.is_dir() else path for path in paths]


def checked_rows(
    paths: Sequence[Path],
    form: str,
    report: Reporter,
    columns: Mapping[str, str] | None = None,
    replace: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Row, Row]]:
    """Yield `(file:line, row as it is in the file, row with the format's names)`, one by one in file order.

    The place of a prepared row is that of the row it was made from. Raises StepFailedError that names file:line of a
    row that does not fit.
    """
    for path in paths:
        try:
            for number, (line, own) in enumerate(read_rows(path)):
                if number % _LOOK_UP == 0:
                    report.check_cancelled()
                place = str(own.pop(SOURCE, f"{path.name}:{line}"))
                row = renamed(own, columns, replace)
                if (problem := row_problem(row, form)) is not None:
                    raise StepFailedError(
                        f"{place}: {problem}",
                        reason="DATA_INVALID",
                        help=f"correct the row; the format is `{form}`",
                    )
                yield place, own, row
        except DataError as error:
            where = f"{path.name}:{error.line}" if error.line else path.name
            raise StepFailedError(f"{where}: {error}", reason="DATA_UNREADABLE", help="correct the file") from error
        except FileNotFoundError as error:
            raise StepFailedError(
                f"{path} is gone", reason="INPUT_MISSING", help="put the file back and run again"
            ) from error
