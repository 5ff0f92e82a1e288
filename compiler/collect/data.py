"""Gather what is known of training data and suites: every row is looked at, once while the file does not change."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache, remembered
from tunewright.compiler.collect.confinement import inside
from tunewright.compiler.collect.files import locate
from tunewright.compiler.collect.images import look_at_images
from tunewright.compiler.collect.progress import Progress, Read, following
from tunewright.compiler.collect.rows import MOST_PROBLEMS, Check, Row, Tally, median, pass_over
from tunewright.compiler.collect.suites import suite_check, suite_format
from tunewright.compiler.ir.facts import NO_ROWS, ClassFact, DataFacts, FileFact, ImagesFact, RowProblem
from tunewright.compiler.ir.pins import DataPin
from tunewright.spec.canonical import digest_of
from tunewright.spec.formats import FORMATS, SUFFIXES, detect_format, row_problem

#: Raise it when a pass begins to find or to say other things: what older versions remembered is then not used.
_LOOK = "4"
_REMOTE = ("hf://", "ms://")
_GLOB = frozenset("*?[")


def collect_data(
    sources: Sequence[str],
    declared_format: str | None,
    base_directory: Path,
    *,
    columns: Mapping[str, str] | None = None,
    replace: Mapping[str, str] | None = None,
    pin: DataPin | None = None,
    cache: FactCache | None,
    progress: Progress | None = None,
) -> DataFacts:
    """Return the facts of a data set of one or several sources: `file:`, `dir:`, a bare path, `hf://datasets/...`.

    Rows, read as `columns` and `replace` say, are held against the declared format, or against the one that the first
    row of all shows. The digest binds the content of the files in the order written. `progress` hears how far the
    reading of JSONL files is; `pin` is what a lock holds a data set on a hub to.
    """
    if any(source.startswith(_REMOTE) for source in sources):
        pinned = pin.facts() if pin is not None else DataFacts()
        return dataclasses.replace(pinned, format=declared_format, remote=True)
    form = declared_format if declared_format in FORMATS else None
    total = _Total(form=form)
    for source in sources:
        for written, path in _files_of(source, base_directory, total):
            known = total.form
            total.add(
                written,
                path,
                lambda file, known=known, written=written: _look_at_data(
                    file, known, columns, replace, following(progress, written, file)
                ),
                variant=f"data {_LOOK} {known or ''}{_variant(columns, replace)}",
                cache=cache,
            )
    return total.facts()


def collect_suite(
    file: str,
    metric: str | None,
    base_directory: Path,
    *,
    cache: FactCache | None,
    progress: Progress | None = None,
) -> DataFacts:
    """Return the facts of a suite file, whose rows must have what the metric compares."""
    total = _Total(form=suite_format(metric))
    for written, path in _files_of(file, base_directory, total):
        total.add(
            written,
            path,
            lambda suite, written=written: _summary(
                *_pass_over_suite(suite, metric, following(progress, written, suite))
            ),
            variant=f"suite {_LOOK} {metric or ''}",
            cache=cache,
        )
    return total.facts()


def _variant(*reading: Mapping[str, str] | None) -> str:
    return f" {digest_of([part and dict(part) for part in reading])}" if any(reading) else ""


def _look_at_data(
    path: Path, declared: str | None, columns: Mapping[str, str] | None, replace: Mapping[str, str] | None, read: Read
) -> Mapping[str, Any]:
    tally = Tally(form=declared, read=read, rename=columns, replace=replace)

    def start(row: Row) -> None:
        tally.form = tally.form or detect_format(row)

    def check(_: int, row: Row) -> str | None:
        if tally.form is None:
            return f"the columns ({', '.join(list(row)[:8])}) fit none of the formats {', '.join(FORMATS)}"
        return row_problem(row, tally.form)

    return _summary(tally, pass_over(path, tally, check, start))


def _pass_over_suite(path: Path, metric: str | None, read: Read) -> tuple[Tally, str]:
    tally = Tally(form=suite_format(metric), read=read)
    check: Check = suite_check(metric)
    return tally, pass_over(path, tally, check, lambda _: None)


def _summary(tally: Tally, digest: str) -> Mapping[str, Any]:
    """Return what is remembered of a file, as JSON."""
    return {
        "digest": digest,
        "format": tally.form,
        "rows": tally.rows,
        "columns": list(tally.columns),
        "problems": tally.problems,
        "problem_count": tally.problem_count,
        "lengths": sorted(tally.lengths.items()),
        "classes": [[name, *counted] for name, counted in tally.classes.items()],
        "labels": [tally.labels[False], tally.labels[True]],
        "prompts": tally.prompts,
        "images": list(tally.images.items()),
    }


def _files_of(source: str, base_directory: Path, total: "_Total") -> list[tuple[str, Path]]:
    """Return the files that a source means, as written and as found; a source that means none is a problem."""
    written = source.removeprefix("file:").removeprefix("dir:")
    try:
        path = locate(written, base_directory)
        is_folder, is_file = path.is_dir(), path.is_file()
    except RuntimeError:  # `~name` of a user who does not exist
        path, is_folder, is_file = base_directory / written, False, False
    except OSError as error:  # a name that the file system does not take
        total.object_to(written, f"the file can't be looked for: {error.strerror or error}")
        return []
    if is_folder:
        try:
            found = sorted(inside(item) for item in path.iterdir() if item.is_file() and item.suffix in SUFFIXES)
        except OSError as error:
            total.object_to(written, f"the folder can't be read: {error.strerror or error}")
            return []
        if not found:
            total.object_to(written, f"the folder holds no data files ({', '.join(SUFFIXES)})")
        return [(f"{written.rstrip('/')}/{item.name}", item) for item in found]
    if is_file:
        return [(written, path)]
    if _GLOB & set(written):
        total.object_to(written, "patterns are not supported; name the files, or their folder with `dir:`")
    else:
        total.object_to(written, "the file does not exist")
        total.files.append(FileFact(written=written, path=None))
    return []


@dataclass(slots=True)
class _Total:
    """The files of one data set added up."""

    form: str | None
    files: list[FileFact] = field(default_factory=list)
    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    problem_count: int = 0
    lengths: dict[int, int] = field(default_factory=dict)
    labels: tuple[int, int] = (0, 0)
    classes: dict[str, ClassFact] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    images: list[ImagesFact] = field(default_factory=list)

    def add(self, written: str, path: Path, look: Any, *, variant: str, cache: FactCache | None) -> None:
        """Look at a file, or remember it, and add it."""
        try:
            found = remembered(cache, "rows", path, look, variant=variant)
            size = path.stat().st_size
        except OSError as error:
            self.object_to(written, f"the file can't be read: {error.strerror or error}")
            return
        self.files.append(FileFact(written=written, path=str(path), size=size, digest=found["digest"]))
        self.form = self.form or found["format"]
        self.rows += found["rows"]
        self.columns.update(dict.fromkeys(found["columns"]))
        for line, message in found["problems"]:
            self._note(RowProblem(file=written, line=line, message=message))
        self.problem_count += found["problem_count"]
        for length, times in found["lengths"]:
            self.lengths[length] = self.lengths.get(length, 0) + times
        self.labels = (self.labels[0] + found["labels"][0], self.labels[1] + found["labels"][1])
        for name, rows, line in found["classes"]:
            known = self.classes.get(name) or ClassFact(name=name, rows=0, file=written, line=line)
            self.classes[name] = dataclasses.replace(known, rows=known.rows + rows)
        self.prompts.extend(found["prompts"])
        if found["images"]:
            self._add_images(written, path, found["images"], cache)
        if not found["rows"] and not found["problem_count"] and path.suffix != ".parquet":
            self.object_to(written, NO_ROWS)

    def _add_images(self, written: str, path: Path, named: list[tuple[str, int]], cache: FactCache | None) -> None:
        """The images may change while the file that names them does not: they are looked at each time."""
        digest, problems = look_at_images(path.parent, named, cache)
        self.images.append(ImagesFact(file=written, count=len(named), digest=digest))
        self.problem_count += len(problems)
        for line, message in problems:
            self._note(RowProblem(file=written, line=line, message=message))

    def object_to(self, written: str, message: str) -> None:
        """Note a problem of a whole file."""
        self.problem_count += 1
        self._note(RowProblem(file=written, line=None, message=message))

    def facts(self) -> DataFacts:
        """Return the sum."""
        digests = [file.digest for file in self.files] + [images.digest for images in self.images]
        return DataFacts(
            files=tuple(self.files),
            format=self.form,
            rows=self.rows,
            columns=tuple(self.columns),
            problems=tuple(self.problems),
            problem_count=self.problem_count,
            median_characters=median(self.lengths),
            longest_characters=max(self.lengths, default=0),
            total_characters=sum(length * times for length, times in self.lengths.items()),
            bad_labels=self.labels[0],
            good_labels=self.labels[1],
            classes=tuple(self.classes.values()),
            prompt_digests=tuple(self.prompts),
            images=tuple(self.images),
            digest=None
            if not digests or None in digests
            else (digests[0] if len(digests) == 1 else digest_of(digests)),
        )

    def _note(self, problem: RowProblem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
