"""Training rows that hold a suite's questions nearly word for word: how many, and which, by file and line.

Memory and time are bounded, whatever the files hold: of a data set so many rows are looked at, one of each stretch of
equal length, and the beginning of each. A question is looked up by a few of its shingles, those that fewest other
questions have (what a suite's questions share, such as `Answer in one word`, tells nothing), and then compared by all.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.prompts import prompt_digest, question_text
from tunewright.compiler.ir.facts import DataFacts, OverlapFact
from tunewright.spec.canonical import digest_of
from tunewright.spec.formats import DataError, parse_line, read_rows

#: Raise it when the comparison begins to find other things: what was remembered is then not used.
_VERSION = 1
#: Characters of a shingle: long enough for Western words, short enough for Chinese ones.
_SHINGLE = 5
#: Shingles by which a question is looked up, and the share of them that makes it worth comparing.
_SKETCH, _WORTH = 24, 0.5
#: A shingle that one in so many questions has is not looked up, nor one of more than so many; but of each question the
#: rarest few are.
_COMMON_SHARE, _COMMON, _LEAST = 10, 20, 8
#: Share of a question's shingles that a row must hold.
_ALIKE = 0.8
#: Shorter questions are in many rows by chance: 60 Western or 20 Chinese characters.
_SHORTEST_BYTES = 60
_MOST_QUESTIONS, _MOST_ROWS = 2_000, 10_000
_QUESTION_CHARACTERS, _ROW_CHARACTERS = 500, 2_000
_NAMED = 5

_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class _Question:
    place: str
    digest: str
    shingles: frozenset[int]
    numbers: frozenset[str]
    sketch: int = 0
    held_by: str | None = None


@dataclass(slots=True)
class _Exam:
    """The questions of one suite that are long enough to be compared, and where each of their sketches leads."""

    questions: list[_Question] = field(default_factory=list)
    seen: int = 0
    by_shingle: dict[int, list[int]] = field(default_factory=dict)

    def add(self, place: str, row: Mapping[str, Any]) -> None:
        self.seen += 1
        text = _normal(question_text(row), _QUESTION_CHARACTERS)
        if len(text.encode("utf-8", "replace")) < _SHORTEST_BYTES:
            return
        self.questions.append(_Question(place, prompt_digest(row), _shingles(text), frozenset(_NUMBER.findall(text))))

    def settle(self) -> None:
        """Choose by what each question is looked up."""
        shared = Counter(shingle for question in self.questions for shingle in question.shingles)
        common = max(1, min(_COMMON, len(self.questions) // _COMMON_SHARE))
        for index, question in enumerate(self.questions):
            rarest = sorted(question.shingles, key=lambda shingle: (shared[shingle], shingle))[:_SKETCH]
            sketch = [shingle for at, shingle in enumerate(rarest) if at < _LEAST or shared[shingle] <= common]
            question.sketch = len(sketch)
            for shingle in sketch:
                self.by_shingle.setdefault(shingle, []).append(index)

    def compare(self, place: str, row: Mapping[str, Any], text: str, shingles: frozenset[int]) -> None:
        hits = Counter(index for shingle in self.by_shingle.keys() & shingles for index in self.by_shingle[shingle])
        for index, count in hits.items():
            question = self.questions[index]
            if question.held_by is not None or count < _WORTH * question.sketch:
                continue
            alike = len(question.shingles & shingles) >= _ALIKE * len(question.shingles)
            # The same question word for word is another finding; ticket 17 is not ticket 71.
            if alike and question.digest != prompt_digest(row) and question.numbers <= set(_NUMBER.findall(text)):
                question.held_by = place


def collect_overlaps(
    data: Mapping[str, DataFacts],
    suites: Mapping[str, DataFacts],
    limits: Mapping[tuple[str, str], int | None],
    *,
    cache: FactCache | None,
) -> tuple[OverlapFact, ...]:
    """Return which suites have questions that are nearly in which data sets.

    `limits` says, by `("data" | "suites", name)`, how many rows of each are used.
    """
    found: list[OverlapFact] = []
    exams = {name: facts for name, facts in suites.items() if facts.digest and facts.rows}
    if not exams:
        return ()
    for name, facts in data.items():
        if facts.digest is None or facts.remote:
            continue
        asked = [[suite, exam.digest, limits.get(("suites", suite))] for suite, exam in exams.items()]
        key = digest_of([_VERSION, facts.digest, limits.get(("data", name)), asked])
        remembered = cache.get("overlaps", key, _VERSION) if cache is not None else None
        if remembered is None:
            remembered = {"found": [asdict(item) for item in _overlaps(name, facts, exams, limits)]}
            if cache is not None:
                cache.put("overlaps", key, _VERSION, remembered)
        found += [_fact(name, item) for item in remembered["found"]]
    return tuple(found)


def _fact(data: str, item: Mapping[str, Any]) -> OverlapFact:
    places = tuple((str(asked), str(held)) for asked, held in item["places"])
    return OverlapFact(**{**item, "data": data, "places": places})


def _overlaps(
    name: str,
    facts: DataFacts,
    suites: Mapping[str, DataFacts],
    limits: Mapping[tuple[str, str], int | None],
) -> Iterator[OverlapFact]:
    exams = {suite: _exam(suites[suite], limits.get(("suites", suite))) for suite in suites}
    looked = 0
    if any(exam.questions for exam in exams.values()):
        for place, row in _sampled(facts, limits.get(("data", name)), _MOST_ROWS):
            looked += 1
            text = _normal(" ".join(_texts(row)), _ROW_CHARACTERS)
            shingles = _shingles(text)
            for exam in exams.values():
                exam.compare(place, row, text, shingles)
    for suite, exam in exams.items():
        held = [(item.place, item.held_by) for item in exam.questions if item.held_by is not None]
        if held:
            yield OverlapFact(
                data=name, suite=suite, count=len(held), questions=exam.seen, rows=looked, places=tuple(held[:_NAMED])
            )


def _exam(facts: DataFacts, limit: int | None) -> _Exam:
    exam = _Exam()
    for place, row in _sampled(facts, limit, _MOST_QUESTIONS):
        exam.add(place, row)
    exam.settle()
    return exam


def _sampled(facts: DataFacts, limit: int | None, most: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield `(file:line, row)` of at most so many of the first `limit` rows; those that can't be read are left out."""
    step = max(1, -(-min(facts.rows, limit or facts.rows) // most))
    for number, (place, record) in enumerate(islice(_records(facts), limit)):
        stretch, at = divmod(number, step)
        # Always the same ones, and never every tenth: rows often come in turns.
        if at == zlib.crc32(stretch.to_bytes(8)) % step:
            try:
                yield place, parse_line(record, 0) if isinstance(record, bytes) else record
            except DataError:
                continue


def _records(facts: DataFacts) -> Iterator[tuple[str, bytes | Mapping[str, Any]]]:
    """Yield the rows of all files with their places; those of JSONL as the bytes that they are, for most go unread."""
    for file in facts.files:
        path, name = Path(file.path or ""), Path(file.written).name
        try:
            if path.suffix == ".jsonl":
                with path.open("rb") as stream:
                    yield from ((f"{name}:{line}", row) for line, row in enumerate(stream, start=1) if row.strip())
            else:
                yield from ((f"{name}:{line}", row) for line, row in read_rows(path))
        except (OSError, ValueError):  # what is wrong with the file is said elsewhere
            continue


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case Sequence():
            for item in value:
                yield from _texts(item)


def _normal(text: str, most: int) -> str:
    return " ".join(unicodedata.normalize("NFKC", text[: 2 * most]).casefold().split())[:most]


def _shingles(text: str) -> frozenset[int]:
    """Return the hashes of all runs of five characters."""
    wide = text.encode("utf-32-le", "replace")
    return frozenset(zlib.crc32(wide[at : at + 4 * _SHINGLE]) for at in range(0, len(wide) - 4 * (_SHINGLE - 1), 4))
