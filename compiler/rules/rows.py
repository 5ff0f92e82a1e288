"""Families 2 and 5: what the rows are like, beyond each of them being usable."""

from tunewright.compiler.ir.facts import OverlapFact
from tunewright.compiler.ir.resolved import ResolvedEvaluate, ResolvedExport, ResolvedTrain
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label

#: Characters that a token holds at most in ordinary text: what is longer even so is too long for sure.
_LONGEST_TOKEN = 6
#: Share of the rows that may be cut before it is said.
_MOST_CUT = 0.05
#: Beyond this many of one kind for each of the other, KTO learns little but that kind's frequency.
_MOST_LOPSIDED = 4
#: Rows that calibrated quantisers are usually given.
_CALIBRATION_ROWS = 128
_SHOWN = 5


def _rows_of(work: Work, train: ResolvedTrain) -> int | None:
    """Return the rows that a step sees once, None when they are not known."""
    assert work.spec is not None
    assert work.facts is not None
    total = 0
    for name in train.data:
        facts, written = work.facts.data.get(name), work.spec.data.get(name)
        if facts is None or written is None or not facts.rows or work.is_faulty("data", name):
            return None
        total += int(min(facts.rows, written.limit or facts.rows) * (written.weight or 1.0))
    return total


def _questions(work: Work, section: str, name: str) -> frozenset[str]:
    """Return what the rows that are used of a suite or data set ask."""
    assert work.spec is not None
    assert work.facts is not None
    facts = (work.facts.suites if section == "suites" else work.facts.data).get(name)
    written = (work.spec.suites if section == "suites" else work.spec.data).get(name)
    if facts is None or written is None:
        return frozenset()
    return frozenset(facts.prompt_digests[: written.limit]) - {""}


def _check_learned_questions(work: Work) -> None:
    assert work.resolved is not None
    assert work.references is not None
    seen: set[tuple[str, str]] = set()
    exams = [step.body for step in work.resolved.steps if isinstance(step.body, ResolvedEvaluate)]
    for exam in exams:
        for data in dict.fromkeys(work.references.learned_from.get(exam.model, ())):
            for suite in exam.suites:
                if (suite, data) in seen:
                    continue
                asked, learned = _questions(work, "suites", suite), _questions(work, "data", data)
                if not (common := asked & learned):
                    continue
                seen.add((suite, data))
                work.sink.report(
                    "TW2023",
                    f"{len(common)} of {len(asked)} questions of `{suite}` are also in `{data}`",
                    work.value_span("suites", suite, "file"),
                    "measures memory",
                    labels=(Label(work.value_span("data", data, "source"), "learned from"),),
                    help="take these rows out of one of them; accept it for a suite that shall measure memory",
                )


def _places_of(found: OverlapFact, total: int) -> list[str]:
    """Return the places, never what stands there; and how many rows were looked at, where it was not all."""
    more = found.count - len(found.places)
    sampled = f"looked at {found.rows:,} of {total:,} rows: there may be more"
    return [
        *(f"{asked} is nearly in {held}" for asked, held in found.places),
        *([f"and {more} more"] if more else []),
        *([sampled] if found.rows < total else []),
    ]


def _check_nearly_learned(work: Work) -> None:
    assert work.resolved is not None
    assert work.references is not None
    assert work.facts is not None
    exams = [step.body for step in work.resolved.steps if isinstance(step.body, ResolvedEvaluate)]
    pairs = {
        (suite, data)
        for exam in exams
        for suite in exam.suites
        for data in work.references.learned_from.get(exam.model, ())
    }
    for found in work.facts.overlaps:
        if (found.suite, found.data) not in pairs:
            continue
        total = work.facts.data[found.data].rows
        work.sink.report(
            "TW2065",
            f"{found.count} of {found.questions} questions of `{found.suite}` are nearly in `{found.data}`",
            work.value_span("suites", found.suite, "file"),
            "measures memory",
            labels=(Label(work.value_span("data", found.data, "source"), "learned from"),),
            notes=_places_of(found, total),
            help="take these rows out of one of them; accept it where they only look alike",
        )


def _check_holdout(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        rows = _rows_of(work, train)
        if not train.evaluation_share or rows is None or 0 < round(rows * train.evaluation_share) < rows:
            continue
        what = "no row" if round(rows * train.evaluation_share) == 0 else "every row"
        work.sink.report(
            "TW2024",
            f"a share of {train.evaluation_share:g} holds out {what} of {rows}",
            work.value_span("steps", step.name, "train", "evaluation_share"),
            help=f"use a share that leaves rows on both sides, such as {max(0.1, round(1 / max(rows, 2), 2)):g}, "
            "or remove it",
        )


def _check_labels(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    for step, train in work.resolved.trains():
        sets = [facts for name in train.data if (facts := work.facts.data.get(name))]
        good, bad = sum(facts.good_labels for facts in sets), sum(facts.bad_labels for facts in sets)
        pairs = any(facts.format == "preference" for facts in sets)
        if train.method != "kto" or pairs or not good + bad or max(good, bad) <= _MOST_LOPSIDED * min(good, bad):
            continue
        work.sink.report(
            "TW2025",
            f"{good} replies are marked good and {bad} bad",
            work.value_span("steps", step.name, "train", "data"),
            help="kto learns best from about as many of each: leave out rows of the larger kind",
        )


def _check_lengths(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        for index, name in enumerate(train.data):
            found = _too_long(work, name, train)
            if found is not None:
                message, label = found
                work.sink.report(
                    "TW2026",
                    message,
                    work.value_span("steps", step.name, "train", "data", index),
                    label,
                    help="raise `max_length`, or split the rows: what is beyond it is cut off, replies first",
                )


def _too_long(work: Work, name: str, train: ResolvedTrain) -> tuple[str, str] | None:
    """Return what is said of a set whose rows are cut: by its tokens where `plan` counted them, else by characters."""
    assert work.facts is not None
    facts, tokens = work.facts.data.get(name), work.facts.tokens.get(name)
    if tokens is not None and tokens.lengths:
        share = tokens.share_longer(train.max_length)
        message = f"{share:.0%} of the rows of `{name}` are longer than {train.max_length} tokens"
        label = f"99 of 100 rows have at most {tokens.percentile(0.99):,} tokens, the longest seen {tokens.longest:,}"
        return (message, label) if share > _MOST_CUT and not train.packing else None
    if facts is None or facts.median_characters <= _LONGEST_TOKEN * train.max_length:
        return None
    message = f"more than half of the rows of `{name}` are longer than {train.max_length} tokens"
    return message, f"half of them have {facts.median_characters} characters or more"


def _check_refused_rows(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    for name, tokens in work.facts.tokens.items():
        if not tokens.refused:
            continue
        (where, words), *others = tokens.refused
        if not where:
            work.sink.report(
                "TW2064",
                f"the base model's chat template fails: {words}",
                work.value_span("base", "model"),
                help="use another base model, or mend its chat_template.jinja",
            )
            return
        more = tokens.refused_count - _SHOWN
        work.sink.report(
            "TW2064",
            f"{where}: the base model's chat template refuses this row: {words}",
            work.value_span("data", name, "source"),
            f"{tokens.refused_count} of {tokens.looked_at + tokens.refused_count} rows that were looked at",
            labels=(Label(work.value_span("base", "model"), "its template"),),
            notes=[f"{there}: {said}" for there, said in others[: _SHOWN - 1]]
            + ([f"and {more} more"] if more > 0 else []),
            help="correct or remove these rows: roles in an order that the template knows, no empty parts",
        )


def _check_calibration_rows(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    for step in work.resolved.steps:
        export = step.body
        if not isinstance(export, ResolvedExport) or not export.quantize or export.calibration is None:
            continue
        facts = work.facts.data.get(export.calibration)
        rows = facts.rows if facts else 0
        if export.quantize.method in ("gptq", "awq") and 0 < rows < _CALIBRATION_ROWS:
            work.sink.report(
                "TW5009",
                f"{rows} rows are few to calibrate {export.quantize.method} with",
                work.value_span("steps", step.name, "export", "calibration"),
                labels=(Label(work.key_span("data", export.calibration), f"has {rows}"),),
                help=f"{_CALIBRATION_ROWS} or more are usual: name a larger data set, and measure the result",
            )


RULES = (
    Rule(
        code="TW2023",
        phase=Phase.DATA,
        check=_check_learned_questions,
        why="An exam over rows that were learned from says how well they are remembered, not what was understood.",
        bad="suites: {quiz: {file: learned.jsonl}}",
        good="suites: {quiz: {file: quiz.jsonl}}",
    ),
    Rule(
        code="TW2065",
        phase=Phase.DATA,
        check=_check_nearly_learned,
        why="A question that was learned from in slightly other words is remembered all the same.",
        bad="suites: {quiz: {file: reworded.jsonl}}",
        good="suites: {quiz: {file: quiz.jsonl}}",
    ),
    Rule(
        code="TW2024",
        phase=Phase.DATA,
        check=_check_holdout,
        why="A share that rounds to nothing shows no loss on held-out rows, without a word.",
        bad="steps: {sft: {train: {evaluation_share: 0.001}}}",
        good="steps: {sft: {train: {evaluation_share: 0.1}}}",
    ),
    Rule(
        code="TW2025",
        phase=Phase.DATA,
        check=_check_labels,
        why="KTO weighs good replies against bad ones; with hardly any of one kind there is nothing to weigh.",
        bad='{data: {pairs: {source: "file:praise.jsonl"}}, steps: {align: {train: {method: kto}}}}',
        good='{data: {pairs: {source: "file:kto.jsonl"}}, steps: {align: {train: {method: kto}}}}',
    ),
    Rule(
        code="TW2026",
        phase=Phase.DATA,
        check=_check_lengths,
        why="Rows are cut at their end, where the reply is: what is cut is not learned, and nobody says so.",
        bad="steps: {sft: {train: {max_length: 16}}}",
        good="steps: {sft: {train: {max_length: 1024}}}",
    ),
    Rule(
        code="TW2064",
        phase=Phase.DATA,
        check=_check_refused_rows,
        resolved=False,
        why="A row that the template refuses stops training after the model was loaded. `plan`, which counts tokens "
        "with the real template, finds it before.",
        bad='data: {rows: {source: "file:rows.jsonl"}}',
        good='data: {rows: {source: "file:rows.jsonl"}}',
    ),
    Rule(
        code="TW5009",
        phase=Phase.DATA,
        follows=("steps.@.export.quantize",),
        check=_check_calibration_rows,
        why="Calibration over a handful of rows fits the quantised weights to just these rows.",
        bad="{resources: {accelerator: a100-80gb, count: 8}, steps: {pack: {export: {quantize: {method: gptq}}}, "
        "serve: {deploy: {engine: vllm}}}}",
        good="{resources: {accelerator: a100-80gb, count: 8}, steps: {pack: {export: {quantize: {method: fp8}}}, "
        "serve: {deploy: {engine: vllm}}}}",
    ),
)
