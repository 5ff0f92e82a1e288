"""Family 2, third part: the rows that are learned from and asked."""

from tunewright.compiler.ir.facts import NO_ROWS, DataFacts, ModelFacts, RowProblem
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.methods import METHODS
from tunewright.spec.source import Span
from tunewright.spec.tuners import TUNERS

_HUBS = ("hf://", "ms://")

_SEEING = "use `method: sft` with a base model that sees images"
#: Strategies under which models were seen to learn from images: each process holds all weights.
_WHOLE_MODEL = ("single", "ddp")


def _named(work: Work) -> list[tuple[str, str, DataFacts, Span]]:
    """Return (section, name, facts, span of the source) of all data sets and file suites."""
    assert work.spec is not None
    assert work.facts is not None
    found = [
        ("data", name, work.facts.data[name], work.value_span("data", name, "source"))
        for name in work.spec.data
        if name in work.facts.data
    ]
    found += [
        ("suites", name, work.facts.suites[name], work.value_span("suites", name, "file"))
        for name in work.spec.suites
        if name in work.facts.suites
    ]
    return found


def _check_files(work: Work) -> None:
    assert work.facts is not None
    for section, name, facts, span in _named(work):
        # What is not a file there, the collector says in a problem without a line.
        whole = [problem for problem in facts.problems if problem.line is None and problem.message != NO_ROWS]
        missing = [file for file in facts.files if file.digest is None]
        if work.is_faulty(section, name, "source" if section == "data" else "file"):
            continue
        if missing:
            work.sink.report(
                "TW2010", f"there is no file `{missing[0].written}`", span, help="paths start at the folder of the spec"
            )
        elif whole and not missing:
            work.sink.report("TW2010", f"`{whole[0].file}`: {whole[0].message}", span)
    for written, file in work.facts.files.items():
        if file.digest is None:
            work.sink.report(
                "TW2010",
                f"there is no file `{written}`",
                _span_of_file(work, written),
                help="paths start at the folder of the spec",
            )


def _span_of_file(work: Work, written: str) -> Span:
    assert work.spec is not None
    for name, suite in work.spec.suites.items():
        for key in ("json_schema", "data"):
            if getattr(suite, key) == written:
                return work.value_span("suites", name, key)
    return work.value_span("suites")


def _check_rows(work: Work) -> None:
    for section, name, facts, span in _named(work):
        problems = [problem for problem in facts.problems if problem.line is not None]
        if not problems or (_is_unscored(work, name) if section == "suites" else _is_strange(work, name, facts)):
            continue
        first = problems[0]
        shown = "\n".join(_row_text(problem) for problem in problems[:5])
        more = facts.problem_count - min(5, len(problems))
        rows = f"{facts.problem_count} of {facts.rows}" if facts.rows else str(facts.problem_count)
        what = "data set" if section == "data" else "suite"
        work.sink.report(
            "TW2011",
            f"{what} `{name}` has rows that can't be used",
            span,
            f"{rows} rows (first: line {first.line})",
            notes=[*shown.split("\n"), *([f"and {more} more"] if more > 0 else [])],
            help="mend or remove these rows",
        )


def _row_text(problem: RowProblem) -> str:
    return f"{problem.file}:{problem.line}: {problem.message}"


def _is_unscored(work: Work, name: str) -> bool:
    """True for a suite without a metric: what its rows need is not known."""
    assert work.spec is not None
    return work.spec.suites[name].metric is None


def _is_strange(work: Work, name: str, facts: DataFacts) -> bool:
    """True for rows whose columns fit no format, when none was declared either."""
    assert work.spec is not None
    return facts.format is None and not facts.remote and facts.rows > 0 and work.spec.data[name].format is None


def _check_formats(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    for name in work.spec.data:
        facts = work.facts.data.get(name)
        if facts is not None and _is_strange(work, name, facts):
            work.sink.report(
                "TW2013",
                f"can't tell what the rows of `{name}` are",
                work.value_span("data", name, "source"),
                f"columns: {', '.join(facts.columns)}",
                help="rows need `messages`, or `prompt` and `completion`, or `chosen` and `rejected`, or `text`; "
                "see docs/language.md",
            )


def _check_method_fit(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    for name, step in work.spec.steps.items():
        if step.train is None or work.is_poisoned("steps", name, "train", "method"):
            continue
        method = METHODS[step.train.method]
        for index, data in enumerate(step.train.data):
            facts, declared = work.facts.data.get(data), work.spec.data.get(data)
            form = (declared.format if declared else None) or (facts.format if facts else None)
            if form is None or form in method.formats:
                continue
            assert declared is not None
            work.sink.report(
                "TW2012",
                f"data set `{data}` does not fit {step.train.method}",
                work.value_span("steps", name, "train", "data", index),
                f"{step.train.method} needs {method.needs} in every row",
                labels=(Label(work.key_span("data", data), f"rows are `{form}`"),),
                help=f"{step.train.method} learns from: {', '.join(method.formats)}",
            )


def _check_images(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    model = machine.base_model(work)
    for step, train in work.resolved.trains():
        for index, data in enumerate(train.data):
            facts = work.facts.data.get(data)
            if facts is None or not facts.images or (found := _unseen(train, model)) is None:
                continue
            problem, key, help_text = found
            count = sum(images.count for images in facts.images)
            work.sink.report(
                "TW2060",
                f"the images of `{data}` can't be learnt from",
                work.value_span("steps", step.name, "train", *((key,) if key != "data" else (key, index))),
                problem,
                labels=(Label(work.key_span("data", data), f"names {count} images"),),
                help=help_text,
            )


def _unseen(train: ResolvedTrain, model: ModelFacts) -> tuple[str, str, str] | None:
    """Return why a step can't learn from images, the key that stands in the way, and what to write; None if it can."""
    strategy = train.parallelism.strategy
    reasons = (
        (not METHODS[train.method].sees_images, f"{train.method} learns from text only", "method", _SEEING),
        (bool(model.model_type) and not model.vision, f"a {model.model_type} model sees no images", "data", _SEEING),
        (train.packing, "rows with images can't be packed", "packing", "remove `packing`"),
        (
            not TUNERS[train.tuner.type].images,
            f"{train.tuner.type} is not built beside an image encoder",
            "tuner",
            "use `tuner: lora`",
        ),
        (
            train.tokenize == "ahead",
            "images are read while training: there are no tokens of them to make ahead",
            "tokenize",
            "remove `tokenize`",
        ),
        (
            strategy not in _WHOLE_MODEL,
            f"nobody has seen a model learn from images under {strategy}",
            "parallelism",
            f"write `parallelism: {{strategy: {_WHOLE_MODEL[-1]}}}`",
        ),
    )
    return next((reason[1:] for reason in reasons if reason[0]), None)


def _check_row_counts(work: Work) -> None:
    assert work.resolved is not None
    assert work.facts is not None
    for section, name, facts, span in _named(work):
        if facts.rows == 0 and facts.problems and all(problem.message == NO_ROWS for problem in facts.problems):
            work.sink.report("TW2014", f"{'data set' if section == 'data' else 'suite'} `{name}` has no rows", span)
    for step, train in work.resolved.trains():
        rows = 0 if any(work.is_faulty("data", name) for name in train.data) else _rows(work, train)
        rows *= METHODS[train.method].replies_per_row(train.options)
        if rows and rows < train.global_batch_size:
            work.sink.report(
                "TW2015",
                f"`{step.name}` takes {train.global_batch_size} rows a step but has only {rows}",
                work.value_span("steps", step.name, "train", "data"),
                help="lower `gradient_accumulation_steps` or `per_device_train_batch_size`",
            )


def _rows(work: Work, train: ResolvedTrain) -> int:
    """Return the rows of a step, 0 when they are not known."""
    assert work.spec is not None
    assert work.facts is not None
    total = 0
    for name in train.data:
        facts, written = work.facts.data.get(name), work.spec.data.get(name)
        if facts is None or written is None or not facts.rows:
            return 0
        total += min(facts.rows, written.limit or facts.rows)
    return total


def _check_reading(work: Work) -> None:
    """Say of properties of a data set that they can't mean anything for it."""
    assert work.spec is not None
    assert work.facts is not None
    for name, data in work.spec.data.items():
        if work.is_faulty("data", name):
            continue
        facts = work.facts.data.get(name)
        form = data.format or (facts.format if facts else None)
        for key in ("subset", "split"):
            if getattr(data, key) is not None and not any(source.startswith(_HUBS) for source in data.source):
                work.sink.report(
                    "TW2028",
                    f"files have no `{key}`",
                    work.value_span("data", name, key),
                    help="remove it; `limit` takes the first rows of a file",
                )
        if data.prompt_template is not None and form not in ("instruction", None):
            work.sink.report(
                "TW2028",
                f"rows of format `{form}` have no instruction to put into a template",
                work.value_span("data", name, "prompt_template"),
                help="remove it; the model's chat template makes text of turns",
            )


def _check_mixture(work: Work) -> None:
    """One step learns from plain texts or from turns: what pads and ends them differs."""
    assert work.spec is not None
    assert work.facts is not None
    for name, step in work.spec.steps.items():
        if step.train is None or work.is_poisoned("steps", name, "train", "data"):
            continue
        plain: dict[bool, str] = {}
        for data in step.train.data:
            facts, declared = work.facts.data.get(data), work.spec.data.get(data)
            form = (declared.format if declared else None) or (facts.format if facts else None)
            if form is not None and declared is not None:
                plain.setdefault(form == "text" or declared.prompt_template is not None, data)
        if len(plain) > 1:
            work.sink.report(
                "TW2029",
                f"`{name}` mixes plain text with turns of a conversation",
                work.value_span("steps", name, "train", "data"),
                labels=(
                    Label(work.key_span("data", plain[True]), "plain text"),
                    Label(work.key_span("data", plain[False]), "turns"),
                ),
                help="learn from them in two steps, one after the other (`from:`)",
            )


RULES = (
    Rule(
        code="TW2010",
        phase=Phase.DATA,
        why="A missing file is found before the model is loaded, not after.",
        check=_check_files,
        resolved=False,
        bad='data: {rows: {source: "file:nowhere.jsonl"}}',
        good='data: {rows: {source: "file:rows.jsonl"}}',
    ),
    Rule(
        code="TW2011",
        phase=Phase.DATA,
        follows=(
            "suites.@.metric",
            "data.@.format",
        ),
        check=_check_rows,
        resolved=False,
        why="A row that does not fit its format stops training hours in, or is dropped without a word. Every row "
        "is looked at first; file and line are named.",
        bad='data: {rows: {source: "file:broken.jsonl", format: messages}}',
        good='data: {rows: {source: "file:rows.jsonl", format: messages}}',
    ),
    Rule(
        code="TW2012",
        phase=Phase.DATA,
        why="Preference methods need pairs, supervised ones need replies.",
        check=_check_method_fit,
        resolved=False,
        bad="steps: {align: {train: {data: rows}}}",
        good="steps: {align: {train: {data: pairs}}}",
    ),
    Rule(
        code="TW2013",
        phase=Phase.DATA,
        why="Rows whose columns fit no format can't be learned from.",
        check=_check_formats,
        resolved=False,
        bad='data: {rows: {source: "file:strange.jsonl"}}',
        good='data: {rows: {source: "file:rows.jsonl"}}',
    ),
    Rule(
        code="TW2029",
        phase=Phase.DATA,
        why="A trainer makes plain texts and conversations into tokens in two ways, and takes one of them a step.",
        check=_check_mixture,
        resolved=False,
        bad='{data: {texts: {source: "hf://datasets/a/b", format: text}}, '
        "steps: {sft: {train: {data: [rows, texts]}}}}",
        good="steps: {sft: {train: {data: [rows]}}}",
    ),
    Rule(
        code="TW2028",
        phase=Phase.DATA,
        why="A part of files, or a prompt for rows that have no instruction, would be ignored without a word.",
        check=_check_reading,
        resolved=False,
        bad='data: {rows: {source: "file:rows.jsonl", split: "train[:1%]"}}',
        good='data: {rows: {source: "file:rows.jsonl", limit: 8}}',
    ),
    Rule(
        code="TW2014",
        phase=Phase.DATA,
        why="An empty file is a mistake of the step that should have filled it.",
        check=_check_row_counts,
        bad='data: {rows: {source: "file:empty.jsonl"}}',
        good='data: {rows: {source: "file:rows.jsonl"}}',
    ),
    Rule(
        code="TW2015",
        phase=Phase.DATA,
        follows=(
            "resources",
            "steps.@.train.per_device_train_batch_size",
            "steps.@.train.gradient_accumulation_steps",
            "steps.@.train.parallelism",
        ),
        why="With fewer rows than one optimizer step takes, trainers stop with an unrelated error or learn nothing.",
        bad="steps: {sft: {train: {per_device_train_batch_size: 64}}}",
        good="steps: {sft: {train: {per_device_train_batch_size: 4}}}",
    ),
    Rule(
        code="TW2060",
        phase=Phase.DATA,
        check=_check_images,
        why="Images that the model, the method or packing can't take would be left out without a word, and the replies "
        "learnt by heart.",
        bad='{data: {seen: {source: "file:seen.jsonl"}}, steps: {sft: {train: {data: seen}}}}',
        good='{base: {model: "hf://Qwen/Qwen2.5-VL-7B-Instruct@cc594898137f460bfe9f0759e9844b3ce807cfb5"}, '
        'data: {rows: {source: "file:seen.jsonl"}}, resources: {accelerator: a100-80gb}}',
    ),
)
