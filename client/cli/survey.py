"""What `tunewright init` finds out before it recommends: the rows, the model, the machine. Nothing is written here."""

import json
import os
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tunewright.client.cli.interview import Wishes
from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.data import collect_data, collect_suite
from tunewright.compiler.collect.hardware import collect_hardware, stated_hardware
from tunewright.compiler.collect.models import collect_model
from tunewright.compiler.facts.accelerators import ACCELERATOR_NAMES
from tunewright.compiler.ir.facts import DataFacts, HardwareFacts, ModelFacts
from tunewright.compiler.recommend.exam import best_guess, guess_task, longest_reply, questions, questions_to_take
from tunewright.compiler.recommend.models import PACKAGED, default_model
from tunewright.compiler.recommend.situation import FORMATS, Exam, RecommendationError, Situation
from tunewright.spec.formats import read_rows
from tunewright.spec.methods import METHODS
from tunewright.spec.suggest import listed, nearest

SAMPLE_FILE = "data/rows.jsonl"
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The situation, the files to write beside the spec (name to text), and what the user should know."""

    situation: Situation
    files: Mapping[str, str]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows to learn from: the path as the spec writes it, where they are now, what is known of them."""

    source: str
    path: Path
    facts: DataFacts


def survey(root: Path, wishes: Wishes, *, exam_file: str) -> Survey:
    """Look at everything that a recommendation depends on; raise RecommendationError for what can't be used."""
    if wishes.data is not None:
        return _survey(root, wishes, _own_rows(root, wishes.data), {}, exam_file)
    from tunewright.client.cli.starters import STARTERS

    task = wishes.task or "chat"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        path.write_text(STARTERS[task], encoding="utf-8")
        rows = _Rows(source=SAMPLE_FILE, path=path, facts=collect_data([str(path)], None, root, cache=None))
        return _survey(root, replace(wishes, task=task), rows, {SAMPLE_FILE: STARTERS[task]}, exam_file)


def _survey(root: Path, wishes: Wishes, rows: _Rows, files: dict[str, str], exam_file: str) -> Survey:
    form = rows.facts.format or ""
    task = wishes.task or guess_task([row for _, row in islice(read_rows(rows.path), _LOOKED_AT)], form)
    remarks: list[str] = []
    if wishes.exam is not None:
        exam = _own_exam(root, wishes.exam, task)
    else:
        taken = questions_to_take(rows.facts.rows)
        suite = questions((row for _, row in deque(read_rows(rows.path), maxlen=taken)), form, task)
        exam = Exam(
            file=exam_file, rows=len(suite), longest_reply=longest_reply(suite), taken=taken, guess=best_guess(suite)
        )
        files = {**files, exam_file: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in suite)}
        if task == "classify" and exam.guess == 1:
            remarks.append("the last rows all have one label: shuffle the file, or the exam measures that label only")
    hardware = _machine(wishes)
    model, reason = _model(root, wishes, hardware)
    situation = Situation(
        name=spec_name(root),
        task=task,
        source=rows.source,
        source_reason="your file stays as it is"
        if wishes.data is not None
        else "a few to begin with: replace them by yours",
        data=rows.facts,
        model=model,
        model_reason=reason,
        hardware=hardware,
        exam=exam,
        export=wishes.export,
        deploy=wishes.deploy,
    )
    return Survey(situation=situation, files=files, remarks=tuple(remarks))


def spec_name(root: Path) -> str:
    """Return a name for the spec of a folder: the folder's, as far as it can be one."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in root.resolve().name.lower())
    name = words.strip("-")[:63].rstrip("-")
    return name if name and name[0].isalpha() else f"my-{name}"[:63].rstrip("-")


def _own_rows(root: Path, written: str) -> _Rows:
    if written.startswith(("hf://", "ms://")):
        raise RecommendationError(f"`{written}` is on a hub; rows are looked at here", "fetch it, and name the file")
    path = Path(written.removeprefix("file:")).expanduser()
    facts = collect_data([str(path)], None, Path.cwd(), cache=FactCache())
    if len(facts.files) > 1:
        raise RecommendationError(f"`{written}` is a folder of several files", "name one of them")
    if facts.problems:
        first = facts.problems[0]
        line = f":{first.line}" if first.line else ""
        raise RecommendationError(
            f"`{first.file}{line}` can't be used: {first.message}",
            f"{facts.problem_count:,} rows are like this one" if facts.problem_count > 1 else "",
        )
    if facts.format is None:
        raise RecommendationError(f"`{written}` holds no rows that can be looked at here", "use .jsonl, .json or .csv")
    if not any(facts.format in forms for forms in FORMATS.values()):
        methods = [name for name, method in METHODS.items() if facts.format in method.formats]
        raise RecommendationError(
            f"the rows are `{facts.format}`, for which nothing is recommended yet",
            f"write the spec with `method: {listed(methods, 4)}`: docs/language.md has the rows and keys of each",
        )
    return _Rows(source=_seen_from(root, path), path=path, facts=facts)


def _own_exam(root: Path, written: str, task: str) -> Exam:
    path = Path(written.removeprefix("file:")).expanduser()
    metric = {"json": "json_match", "classify": "accuracy"}.get(task, "rouge")
    facts = collect_suite(str(path), metric, Path.cwd(), cache=FactCache())
    if facts.problems:
        first = facts.problems[0]
        raise RecommendationError(f"`{first.file}:{first.line or 1}` can't be used: {first.message}")
    rows: list[dict[str, Any]] = [row for _, row in read_rows(path)]
    return Exam(
        file=_seen_from(root, path),
        rows=len(rows),
        longest_reply=longest_reply(rows),
        taken=0,
        guess=best_guess(rows),
    )


def _machine(wishes: Wishes) -> HardwareFacts:
    if wishes.accelerator is None:
        return collect_hardware()
    stated = stated_hardware(wishes.accelerator, wishes.count)
    if stated is None:
        near = nearest(wishes.accelerator, ACCELERATOR_NAMES)
        raise RecommendationError(
            f"there is no accelerator `{wishes.accelerator}` in the table",
            f"did you mean `{near}`?" if near else f"known: {', '.join(ACCELERATOR_NAMES)}",
        )
    return stated


def _model(root: Path, wishes: Wishes, hardware: HardwareFacts) -> tuple[ModelFacts, str]:
    if wishes.model is None:
        source, reason = default_model(hardware, packaged=_is_packaged())
    else:
        source, reason = wishes.model, "as you asked"
    facts = collect_model(source, Path.cwd(), cache=FactCache())
    scheme, _, rest = source.partition(":")
    if scheme in ("dir", "gguf"):
        source = f"{scheme}:{_seen_from(root, Path(rest).expanduser())}"
    elif scheme in ("hf", "ms") and "@" not in source and facts.revision:
        source, reason = f"{source}@{facts.revision}", f"{reason}; the revision that is on this machine"
    return replace(facts, source=source), reason


def _is_packaged() -> bool:
    from importlib import metadata

    try:
        metadata.distribution(PACKAGED.removeprefix("package:").partition("/")[0])
    except metadata.PackageNotFoundError:
        return False
    return True


def _seen_from(root: Path, path: Path) -> str:
    """Return a path as a spec in `root` writes it."""
    return str(path) if path.is_absolute() else os.path.relpath(path.resolve(), root.resolve())
