"""Runner of `prepare.data`: rows without personal data and without duplicates, in outputs/rows.jsonl.

Rows pass one by one: of a set larger than memory only what recognises duplicates is kept. Images that rows
name are copied to outputs/images.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.preparing.duplicates import duplicates
from tunewright.runners.preparing.pictures import Pictures, without_images
from tunewright.runners.preparing.plugged import plugged
from tunewright.runners.preparing.recognisers import KINDS
from tunewright.runners.preparing.rows import REPORT, ROWS, SOURCE, Row, checked_rows, files_of
from tunewright.runners.preparing.scrubbing import Scrubbed, scrub_row
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main
from tunewright.runners.training.images import hold_to_digest
from tunewright.spec.columns import renamed
from tunewright.spec.formats import normal_row, row_problem

MANIFEST = Manifest(
    name="prepare-data",
    version="1",
    kinds=("prepare.data",),
    capabilities=("scrub", "exact", "near", *KINDS),
    packages=("numpy",),
)

#: Rows left out that the report names one by one; all are counted.
_NAMED = 100
_PROGRESS_ROWS = 10_000


@dataclass(slots=True)
class _Outcome:
    """What became of the rows."""

    scrubbed: Scrubbed = field(default_factory=Scrubbed)
    rows: int = 0
    repeated: int = 0
    emptied: int = 0
    refused: int = 0
    left_out: list[dict[str, str]] = field(default_factory=list)

    def leave_out(self, place: str, why: str) -> None:
        if len(self.left_out) < _NAMED:
            self.left_out.append({"row": place, "why": why})

    def refuse(self, place: str, why: str) -> None:
        """Count a row that a plug-in leaves out."""
        self.refused += 1
        self.leave_out(place, why)

    def counts(self) -> dict[str, int]:
        """Return the figures that the step is known by."""
        return {
            "rows": self.rows,
            "duplicates": self.repeated,
            **({"filtered": self.refused} if self.refused else {}),
            "personal_data_found": self.scrubbed.kinds.total(),
            "rows_with_personal_data": self.scrubbed.rows_touched,
        }


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Fill outputs/ with rows.jsonl and report.json."""
    outputs = bundle / contract.OUTPUTS
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    parameters = step.parameters
    outcome = _Outcome()
    report.phase("reading the rows")
    # Half a surrogate, which JSON can spell and UTF-8 can't, stays spelt.
    with (outputs / ROWS).open("w", encoding="utf-8", errors="backslashreplace") as stream:
        _prepare(step, outputs, stream, outcome, report)
    if outcome.rows == 0:
        raise StepFailedError(
            f"no row of `{parameters['name']}` is left", reason="NO_DATA", help="add rows, or prepare them less"
        )
    whole = {
        "data": parameters["name"],
        "scrubbed": list(parameters["scrub"]),
        "deduplicated": parameters["deduplicate"],
        "rows": outcome.rows,
        "duplicates": outcome.repeated,
        "emptied": outcome.emptied,
        "filtered": outcome.refused,
        "personal_data": outcome.scrubbed.as_report(),
        "left_out": outcome.left_out,
    }
    (outputs / REPORT).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    found = {f"found_{kind}": count for kind, count in sorted(outcome.scrubbed.kinds.items())}
    report.emit("data_report", data=parameters["name"], values={**outcome.counts(), **found})
    report.summary(**outcome.counts())
    report.emit("artifact", role="data", path=contract.OUTPUTS)


def _prepare(step: StepFile, outputs: Path, stream: IO[str], outcome: _Outcome, report: Reporter) -> None:
    parameters = step.parameters
    form, columns, kinds = parameters["format"], parameters["columns"], tuple(parameters["scrub"])
    known, pictures = duplicates(parameters["deduplicate"]), Pictures(outputs)
    kept_at: dict[int, str] = {}
    for number, (folder, place, own) in enumerate(_read(step, outcome, report)):
        # The name of a file is no text that somebody reads.
        texts = without_images(own)
        row = scrub_row(texts, kinds, outcome.scrubbed) if kinds else texts
        fitted = renamed(row, columns)
        images = pictures.kept(own, folder, place)
        if (problem := row_problem(fitted, form)) is not None:
            outcome.emptied += 1
            outcome.leave_out(place, f"after it was prepared {problem}")
        elif (earlier := known.first({**normal_row(fitted, form), **images}, number)) is not None:
            outcome.repeated += 1
            outcome.leave_out(place, f"repeats {kept_at.get(earlier, 'an earlier row')}")
        else:
            outcome.rows += 1
            if len(outcome.left_out) < _NAMED and parameters["deduplicate"]:
                kept_at[number] = place
            stream.write(_line({**row, **images}, place))
        if number % _PROGRESS_ROWS == _PROGRESS_ROWS - 1:
            report.emit("heartbeat", rows=number + 1)


def _read(step: StepFile, outcome: _Outcome, report: Reporter) -> Iterator[tuple[Path, str, Row]]:
    """Yield `(folder of the file, file:line, row)` of what preprocessors and filters leave."""
    parameters, files = step.parameters, files_of("data", step.inputs)
    if parameters.get("images"):
        hold_to_digest(parameters["name"], parameters["images"], files)
    for path in files:
        read = checked_rows([path], parameters["format"], report, parameters["columns"])
        rows = plugged(
            ((place, own) for place, own, _ in read),
            parameters.get("preprocess") or (),
            parameters.get("filter") or (),
            outcome.refuse,
        )
        yield from ((path.parent, place, own) for place, own in rows)


def _line(row: Row, place: str) -> str:
    try:
        return json.dumps({**row, SOURCE: place}, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as error:
        raise StepFailedError(
            f"{place}: the row holds what JSON can't say: {error}",
            reason="DATA_INVALID",
            help="take `scrub` and `deduplicate` off this set, or that column out of it",
        ) from error


if __name__ == "__main__":
    main(MANIFEST, work)
