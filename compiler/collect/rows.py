"""Pass once over the rows of a data file: count, check, measure and hash them, keeping none."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.progress import Read, unheard
from tunewright.compiler.collect.prompts import prompt_digest
from tunewright.spec.canonical import digest_of_file
from tunewright.spec.columns import renamed
from tunewright.spec.formats import DataError, parse_line, read_rows
from tunewright.spec.images import images_of
from tunewright.spec.labels import label_name

Row = Mapping[str, Any]
#: Say why a row can't be used, or return None; called once a row in the order of the file.
Check = Callable[[int, Row], str | None]

MOST_PROBLEMS = 20
_MOST_COLUMNS = 64
_MOST_PROMPTS = 50_000
_MOST_CLASSES = 1000
_LONGEST_MESSAGE = 300
_LONGEST_LINE = 64 * 2**20
_BLOCK = 2**20

#: The columns whose text a model reads; a format that is not here: all of them.
_TEXT_COLUMNS: Mapping[str | None, tuple[str, ...]] = {
    "messages": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "instruction": ("system", "instruction", "input", "output"),
    "preference": ("prompt", "chosen", "rejected"),
    "kto": ("prompt", "completion"),
    "prompt": ("prompt",),
    "text": ("text",),
    "text_label": ("text",),
    "anchor_positive": ("anchor", "positive", "negative"),
}
#: Formats of which each text is read by itself, beside what is common to all: the longest one counts.
_APART = {"preference": 1, "anchor_positive": 0}


@dataclass(slots=True)
class Tally:
    """What a pass over a file has found so far. Problems are `(line, message)`; `read` is told of each piece.

    `classes` has each label with its rows and the line that has it first.
    `images` has each image that rows name, with the line that names it first. `rename` maps the format's columns to
    the file's own, `replace` texts to others.
    """

    read: Read = unheard
    rename: Mapping[str, str] | None = None
    replace: Mapping[str, str] | None = None
    form: str | None = None
    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    problems: list[tuple[int | None, str]] = field(default_factory=list)
    problem_count: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    labels: Counter[bool] = field(default_factory=Counter)
    classes: dict[str, list[int]] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)

    def object_to(self, line: int | None, message: str) -> None:
        """Note what is wrong with a row, or with the whole file when there is no line."""
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append((line, _printable(message)[:_LONGEST_MESSAGE]))

    def note_class(self, line: int, label: str | int) -> None:
        """Count a row of a class; no model learns thousands of them, and free text is none."""
        name = label_name(label)
        if name in self.classes:
            self.classes[name][0] += 1
        elif len(self.classes) < _MOST_CLASSES:
            self.classes[name] = [1, line]
        else:
            self.object_to(line, f"`label` is another one than the {_MOST_CLASSES} before: classes are few")


def pass_over(path: Path, tally: Tally, check: Check, start: Callable[[Row], None]) -> str:
    """Look at every row of a file and return the digest of its content.

    `start` sees the first row before `check` does. Rows that can't be read are problems of the tally.
    """
    if path.suffix == ".jsonl":
        hasher = hashlib.sha256()
        _look_at(_jsonl_rows(path, hasher, tally), tally, check, start)
        return "sha256:" + hasher.hexdigest()
    if path.suffix != ".parquet" or _can_read_parquet():
        try:
            _look_at(read_rows(path), tally, check, start)
        except DataError as error:
            tally.object_to(error.line, str(error))
        except (ValueError, RecursionError) as error:  # pyarrow's own complaints
            tally.object_to(None, f"not readable: {error}")
    return digest_of_file(path)


def _look_at(rows: Iterable[tuple[int, Row]], tally: Tally, check: Check, start: Callable[[Row], None]) -> None:
    columns, lengths = tally.columns, tally.lengths
    seen: object = None
    for line, own in rows:
        row = renamed(own, tally.rename, tally.replace) if tally.rename or tally.replace else own
        if not tally.rows:
            start(row)
        tally.rows += 1
        keys = row.keys()
        if keys != seen:
            seen = keys
            for key in list(keys)[:_MOST_COLUMNS]:
                if key not in columns and len(columns) < _MOST_COLUMNS:
                    columns[_printable(str(key))] = None
        if (problem := check(line, row) or _note_images(tally, line, row)) is None:
            lengths[_characters(row, tally.form)] += 1
            if tally.rows <= _MOST_PROMPTS:
                tally.prompts.append(prompt_digest(row))
            if tally.form == "kto":
                tally.labels[row["label"]] += 1
            elif tally.form == "text_label":
                tally.note_class(line, row["label"])
        else:
            tally.object_to(line, problem)


def _note_images(tally: Tally, line: int, row: Row) -> str | None:
    if "images" not in row and "image" not in row:
        return None
    try:
        for name in images_of(row):
            tally.images.setdefault(name, line)
    except ValueError as error:
        return str(error)
    return None


def _jsonl_rows(path: Path, hasher: Any, tally: Tally) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a JSONL file; a broken line is a problem and the next one is read all the same."""
    with path.open("rb") as stream:
        for number, line in enumerate(_lines(stream, hasher, tally), start=1):
            if not line or line.isspace():
                continue
            try:
                yield number, parse_line(line, number)
            except DataError as error:
                tally.object_to(number, str(error))


def _lines(stream: Any, hasher: Any, tally: Tally) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(_BLOCK):
        hasher.update(block)
        tally.read(len(block))
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield from lines
        if len(rest) > _LONGEST_LINE:
            tally.object_to(None, f"a line is longer than {_LONGEST_LINE // 2**20} MiB; JSONL has one row a line")
            return
    if rest:
        yield rest


def _characters(row: Row, form: str | None) -> int:
    """Return how many characters of a row a model reads at once; of texts that are read apart the longest counts."""
    columns = _TEXT_COLUMNS.get(form)
    if columns is None:
        return sum(map(_text_length, row.values()))
    lengths = [_text_length(row.get(column)) for column in columns]
    if (common := _APART.get(form or "")) is None:
        return sum(lengths)
    return sum(lengths[:common]) + max(lengths[common:])


def _text_length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(
            [_text_length(item["content"] if isinstance(item, dict) and "content" in item else item) for item in value]
        )
    if isinstance(value, dict):
        return sum(map(_text_length, value.values()))
    return 0


def median(lengths: Mapping[int, int]) -> int:
    """Return the lower median of lengths that are given with how often each occurs; 0 for none."""
    left = (sum(lengths.values()) + 1) // 2
    for length in sorted(lengths):
        left -= lengths[length]
        if left <= 0:
            return length
    return 0


def _can_read_parquet() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _printable(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and no digest or terminal can take."""
    return text.encode("utf-8", "replace").decode("utf-8")
