"""Public benchmarks on local data: which files a folder must hold, and the lm-eval task that each of them becomes.

A task includes lm-eval's own definition (prompt, few-shot, filters, metrics) and replaces the data alone: figures stay
comparable.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import StepFailedError
from tunewright.spec.formats import DataError, read_rows

_LETTERS = "ABCD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """How one benchmark's data lies in a folder and what lm-eval calls it.

    `test` and `fewshot` are paths with `{subject}` where there are subjects; `include` is lm-eval's own task file;
    `splits` are the names by which that file asks for both. `headline` is the metric that becomes `accuracy`.
    `bare_rows`: CSV without header, as MMLU is published.
    """

    test: str
    fewshot: str
    include: str
    headline: str
    splits: tuple[str, str] = ("test", "dev")
    bare_rows: bool = False


#: By the name of the task in lm-eval.
BENCHMARKS: Mapping[str, Benchmark] = {
    "mmlu": Benchmark(
        test="test/{subject}_test.csv",
        fewshot="dev/{subject}_dev.csv",
        include="mmlu/default/mmlu_{subject}.yaml",
        headline="acc,none",
        bare_rows=True,
    ),
    "cmmlu": Benchmark(
        test="test/{subject}.csv",
        fewshot="dev/{subject}.csv",
        include="cmmlu/cmmlu_{subject}.yaml",
        headline="acc,none",
    ),
    "ceval-valid": Benchmark(
        test="val/{subject}_val.csv",
        fewshot="dev/{subject}_dev.csv",
        include="ceval/ceval-valid_{subject}.yaml",
        headline="acc,none",
        splits=("val", "dev"),
    ),
    "gsm8k": Benchmark(
        test="test.jsonl",
        fewshot="train.jsonl",
        include="gsm8k/gsm8k.yaml",
        headline="exact_match,strict-match",
        splits=("test", "train"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessTask:
    """One lm-eval task that has been written: its name, its subject (empty when there is only one) and its rows."""

    name: str
    subject: str
    rows: int


def write_tasks(
    suite: str, benchmark: str, limit: int | None, data: Path, harness: Path, folder: Path
) -> list[HarnessTask]:
    """Check a benchmark's local data and write one task file a subject into `folder`.

    `limit`: the first rows of each subject, together at most so many. `harness` is the folder of the lm_eval package.
    Raises StepFailedError that names the missing or broken file.
    """
    if benchmark not in BENCHMARKS:
        raise _bad(
            f"suite `{suite}`: benchmark `{benchmark}` has no local form here", f"known: {', '.join(BENCHMARKS)}"
        )
    layout = BENCHMARKS[benchmark]
    subjects = _subjects(layout, data)
    if not subjects:
        raise _bad(
            f"suite `{suite}`: {data / layout.test.format(subject='*')} is missing", "name the folder with the data"
        )
    tasks: list[HarnessTask] = []
    for number, subject in enumerate(subjects):
        share = None if limit is None else -(-(limit - sum(task.rows for task in tasks)) // (len(subjects) - number))
        if share != 0:
            tasks.append(_write_task(suite, layout, subject, share, data, harness, folder))
    return tasks


def _subjects(layout: Benchmark, data: Path) -> list[str]:
    if "{subject}" not in layout.test:
        return [""] if (data / layout.test).is_file() else []
    before, after = layout.test.split("{subject}")
    found = (path.relative_to(data).as_posix() for path in data.glob(f"{before}*{after}"))
    return sorted(name.removeprefix(before).removesuffix(after) for name in found)


def _write_task(
    suite: str, layout: Benchmark, subject: str, limit: int | None, data: Path, harness: Path, folder: Path
) -> HarnessTask:
    name = f"tunewright_{suite}_{subject}" if subject else f"tunewright_{suite}"
    template = harness / "tasks" / layout.include.format(subject=subject)
    if not template.is_file():
        raise _bad(
            f"suite `{suite}`: lm-eval knows no subject `{subject}` ({template.name})", "rename or remove the file"
        )
    files: dict[str, str] = {}
    counts: list[int] = []
    for split, pattern in zip(layout.splits, (layout.test, layout.fewshot), strict=True):
        rows = list(_rows(data / pattern.format(subject=subject), layout))
        rows = rows[:limit] if split == layout.splits[0] else rows
        # Written again as JSON lines: one loader for all, and columns named as lm-eval's definition expects them.
        path = folder / f"{name}.{split}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        files[split] = str(path)
        counts.append(len(rows))
    task = {
        "include": str(template),
        "task": name,
        "tag": None,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files},
    }
    # JSON is YAML.
    (folder / f"{name}.yaml").write_text(json.dumps(task, indent=1), encoding="utf-8")
    return HarnessTask(name=name, subject=subject, rows=counts[0])


def _rows(path: Path, layout: Benchmark) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise _bad(f"{path} is missing", "complete the benchmark's data")
    if layout.bare_rows:
        yield from _bare_rows(path)
        return
    try:
        for _line, row in read_rows(path):
            yield row
    except DataError as error:
        raise _bad(f"{path}:{error.line or 1}: {error}", "correct the benchmark's data") from error


def _bare_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield question, four choices and the letter of the right one as lm-eval's MMLU wants them."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        for row in reader:
            if len(row) != 6 or row[5] not in _LETTERS:
                raise _bad(
                    f"{path}:{reader.line_num}: not question, four choices, letter", "correct the benchmark's data"
                )
            yield {"question": row[0], "choices": row[1:5], "answer": _LETTERS.index(row[5])}


def _bad(message: str, advice: str) -> StepFailedError:
    return StepFailedError(message, reason="SUITE_INVALID", help=advice)
