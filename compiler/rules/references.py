"""Family 2, first part: what a spec names, in it and outside."""

from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule

_DATA_SCHEMES = ("file:", "dir:", "hf://datasets/", "ms://datasets/")
#: How a base model may be written.
MODEL_SCHEMES = ("hf://", "ms://", "dir:", "gguf:", "package:")


def _check_schemes(work: Work) -> None:
    assert work.spec is not None
    for name, data in work.spec.data.items():
        for index, source in enumerate(data.source):
            if not source.startswith(_DATA_SCHEMES) and not work.is_poisoned("data", name, "source"):
                work.sink.report(
                    "TW2016",
                    f"`{source}` does not say where the rows are",
                    work.value_span("data", name, "source", index),
                    help=f"write `file:{source}`, `dir:...` or `hf://datasets/org/name`",
                )
    model = work.spec.base.model
    if not model.startswith(MODEL_SCHEMES) and not work.is_poisoned("base", "model"):
        hint = f"hf://{model}" if model.count("/") == 1 and not model.startswith((".", "/")) else f"dir:{model}"
        work.sink.report(
            "TW2016",
            f"`{model}` does not say where the model is",
            work.value_span("base", "model"),
            help=f"did you mean `{hint}`? (known: hf://, ms://, dir:, gguf:, package:)",
        )


def _check_unused(work: Work) -> None:
    assert work.spec is not None
    trains = [step.train for step in work.spec.steps.values() if step.train]
    evaluates = [step.evaluate for step in work.spec.steps.values() if step.evaluate]
    exports = [step.export for step in work.spec.steps.values() if step.export]
    used_data = {name for train in trains for name in train.data} | {export.calibration for export in exports}
    used_data |= set(work.spec.triggers.data_changed or ()) if work.spec.triggers else set()
    used_suites = {name for evaluate in evaluates for name in evaluate.suites}
    for section, declared, used in (("data", work.spec.data, used_data), ("suites", work.spec.suites, used_suites)):
        for name in declared:
            if name not in used:
                what = "data set" if section == "data" else "suite"
                work.sink.report(
                    "TW2021",
                    f"{what} `{name}` is not used",
                    work.key_span(section, name),
                    help="remove it, or name it in a step",
                )


RULES = (
    Rule(
        code="TW2016",
        phase=Phase.TEXT,
        why="A source says where it is: a guess between a hub and a folder would fetch the wrong thing.",
        check=_check_schemes,
        resolved=False,
        bad="data: {rows: {source: rows.jsonl}}",
        good='data: {rows: {source: "file:rows.jsonl"}}',
    ),
    Rule(
        code="TW2001",
        phase=Phase.TEXT,
        why="A step, data set or suite that is not declared can't be meant; elsewhere this shows after the model "
        "was loaded.",
        bad="steps: {sft: {train: {data: row}}}",
        good="steps: {sft: {train: {data: rows}}}",
    ),
    Rule(
        code="TW2002",
        phase=Phase.TEXT,
        why="Steps that wait for each other never start.",
        bad="steps: {sft: {train: {from: align}}}",
        good="steps: {sft: {train: {from: base}}}",
    ),
    Rule(
        code="TW2003",
        phase=Phase.TEXT,
        why="Only training and export steps make a model that others can take.",
        bad="steps: {pack: {export: {model: exam}}}",
        good="steps: {pack: {export: {model: align}}}",
    ),
    Rule(
        code="TW2005",
        phase=Phase.TEXT,
        why="The second copy of a data set would silently vanish, or its rows count twice: say it with `weight`.",
        bad="steps: {sft: {train: {data: [rows, rows]}}}",
        good="steps: {sft: {train: {data: [rows]}}}",
    ),
    Rule(
        code="TW2021",
        phase=Phase.TEXT,
        follows=(
            "steps.*.train.data",
            "steps.*.evaluate.suites",
            "steps.*.export.calibration",
            "triggers.data_changed",
        ),
        why="What is declared and never used is usually a step that names the wrong thing.",
        check=_check_unused,
        resolved=False,
        bad='data: {spare: {source: "file:rows.jsonl"}}',
        good='{data: {spare: {source: "file:rows.jsonl"}}, steps: {sft: {train: {data: [rows, spare]}}}}',
    ),
    Rule(
        code="TW2022",
        phase=Phase.TEXT,
        why="A suite is one of your own, or a benchmark known by name.",
        bad="steps: {exam: {evaluate: {suites: [quizz]}}}",
        good="steps: {exam: {evaluate: {suites: [quiz]}}}",
    ),
)
