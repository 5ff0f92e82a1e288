"""Runner of `fetch.data`: rows of a data set on a hub, in outputs/rows.jsonl, each with the place it came from."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import IO, Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.hubs.bring import Brought, bring
from tunewright.runners.hubs.repository import repository_of
from tunewright.runners.model_sources import cache
from tunewright.runners.preparing.rows import ROWS, SOURCE
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main
from tunewright.spec.formats import DataError, parse_line, read_rows
from tunewright.spec.hub_data import CARD, HubDataError, Split, data_files, parse_split

MANIFEST = Manifest(
    name="fetch-data",
    version="1",
    kinds=("fetch.data",),
    capabilities=("hf", "ms"),
    packages=("huggingface_hub",),
)

_LOOK_UP = 10_000


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Fill outputs/ with rows.jsonl: the subset and split that are asked for, in the repository's order."""
    outputs = bundle / contract.OUTPUTS
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    parameters = step.parameters
    source = str(parameters["source"])
    token = step.inputs.get("secret.token")
    report.phase(f"fetching {source}")
    try:
        split = parse_split(parameters.get("split") or "train")
        brought = bring(
            repository_of(
                source,
                revision=parameters.get("revision"),
                endpoint=parameters.get("endpoint"),
                token=Path(token.path).read_text(encoding="utf-8").strip() if token else None,
            ),
            cache.shared_folder("hub") or bundle / contract.WORK / "hub",
            report,
            choose=_choice(parameters.get("subset"), parameters.get("split")),
            pins=parameters.get("files"),
        )
    except HubDataError as error:
        raise StepFailedError(
            f"{source}: {error}", reason="DATA_NOT_THERE", help="correct `subset` or `split` of the data set"
        ) from error
    report.phase("writing the rows")
    # Half a surrogate, which JSON can spell and UTF-8 can't, stays spelt.
    with (outputs / ROWS).open("w", encoding="utf-8", errors="backslashreplace") as stream:
        rows = _write(brought, split, stream, report)
    if rows == 0:
        raise StepFailedError(f"{source} gives no rows", reason="NO_DATA", help="choose another `split`")
    report.summary(rows=rows, files=len(brought.names), revision=brought.revision or "unknown")
    report.emit("artifact", role="data", path=contract.OUTPUTS)


def _choice(subset: str | None, split: str | None) -> Callable[[Sequence[str], Callable[[str], str]], list[str]]:
    return lambda names, read: data_files(names, read(CARD) if CARD in names else "", subset, split)


def _write(brought: Brought, split: Split, stream: IO[str], report: Reporter) -> int:
    total = 0 if split.is_whole else sum(1 for _ in _rows(brought, report))
    start, stop = (0, None) if split.is_whole else split.bounds(total)
    written = 0
    for number, (place, row) in enumerate(_rows(brought, report)):
        if number < start:
            continue
        if stop is not None and number >= stop:
            break
        stream.write(_line(row, place))
        written += 1
    return written


def _rows(brought: Brought, report: Reporter) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in brought.names:
        try:
            for number, (line, row) in enumerate(_read(brought.folder / name)):
                if number % _LOOK_UP == 0:
                    report.check_cancelled()
                    report.emit("heartbeat", file=name, rows=number)
                yield f"{name}:{line}", row
        except DataError as error:
            where = f"{name}:{error.line}" if error.line else name
            raise StepFailedError(
                f"{where}: {error}", reason="DATA_UNREADABLE", help="the file on the hub is damaged or of another kind"
            ) from error


def _read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """On hubs `.json` is often one object a line."""
    if path.suffix != ".json":
        yield from read_rows(path)
        return
    with path.open("rb") as stream:
        while (first := stream.read(1)).isspace() or first == b"\xef":
            continue
        if first == b"[":
            yield from read_rows(path)
            return
        stream.seek(0)
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, parse_line(line, number)


def _line(row: dict[str, Any], place: str) -> str:
    try:
        return json.dumps({**row, SOURCE: place}, ensure_ascii=False, default=_plain, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise StepFailedError(
            f"{place}: the row holds what JSON can't say: {error}",
            reason="DATA_INVALID",
            help="rows of text are learned from; images and sound of a hub are not read yet",
        ) from error


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date | clock_time):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__}")


if __name__ == "__main__":
    main(MANIFEST, work)
