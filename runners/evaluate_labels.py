"""Runner of `evaluate.labels`: let a classifier tell the class of each text of a suite."""

from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.evaluation import results
from tunewright.runners.evaluation.figures import macro_f1
from tunewright.runners.evaluation.reading import (
    Reader,
    adapter_of,
    load_reader,
    progress_of,
    read_text_suites,
    refused,
)
from tunewright.runners.evaluation.scores import as_label
from tunewright.runners.evaluation.suites import Suite
from tunewright.runners.model_loading import dtype_of, settle
from tunewright.runners.sdk import Manifest, Reporter, main
from tunewright.runners.training.heads.classes import labels_of
from tunewright.runners.training.heads.loading import load_with_head, named_classes

MANIFEST = Manifest(
    name="evaluate_labels",
    version="1",
    kinds=("evaluate.labels",),
    capabilities=("adapter",),
    environment="train",
    packages=("torch", "transformers", "peft"),
)


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Check every suite, load the classifier, tell classes, and leave metrics.json and samples.jsonl in outputs/."""
    report.phase("checking suites")
    labels = labels_of(Path(step.inputs["model"].path), adapter_of(step))
    suites = read_text_suites(step)
    for suite in suites:
        _check_expected(suite, labels)
    settle(threads=step.parameters["threads"], device=step.parameters["device"])
    report.phase("loading model")
    reader = load_reader(step, lambda folder: _load(folder, labels, step.parameters["precision"]))
    outputs = bundle / contract.OUTPUTS
    outputs.mkdir(exist_ok=True)
    samples: list[dict[str, Any]] = []
    measures: dict[str, dict[str, results.Measure]] = {}
    for suite in suites:
        report.phase(f"suite {suite.name}")
        given = _told(suite, reader, labels, report)
        samples += results.text_samples(suite, given, _scores(suite, given))
        measures[suite.name] = results.measure_rows(_scores(suite, given)) | {"macro_f1": _macro_f1(suite, given)}
        results.report_measures(report, suite.name, measures[suite.name])
    results.write_samples(outputs, samples)
    results.write_metrics(outputs, measures, {suite.name: len(suite.questions) for suite in suites})
    report.emit("artifact", role="evaluation", path=contract.OUTPUTS)
    report.summary(
        **{
            f"{suite}.{name}": round(own[name].value, 6)
            for suite, own in measures.items()
            for name in ("accuracy", "macro_f1")
        }
    )


def _load(folder: Path, labels: list[str], precision: str) -> Any:
    return load_with_head(folder, 0, **named_classes(labels), dtype=dtype_of(precision), local_files_only=True)


def _check_expected(suite: Suite, labels: list[str]) -> None:
    known = {as_label(label) for label in labels}
    for question in suite.questions:
        if as_label(question.expected) not in known:
            raise refused(
                suite, question, f"expects `{question.expected}`, and the model tells {', '.join(labels[:10])}"
            )


def _told(suite: Suite, reader: Reader, labels: list[str], report: Reporter) -> list[str]:
    texts = [str(question.prompt) for question in suite.questions]
    given = [""] * len(texts)
    for numbers, output, _ in reader.outputs(texts, progress_of(suite, len(texts), report)):
        for number, label in zip(numbers, output.logits.argmax(dim=-1).tolist(), strict=True):
            given[number] = labels[label]
    return given


def _scores(suite: Suite, given: list[str]) -> list[dict[str, float]]:
    return [
        {"accuracy": float(as_label(said) == as_label(question.expected))}
        for question, said in zip(suite.questions, given, strict=True)
    ]


def _macro_f1(suite: Suite, given: list[str]) -> results.Measure:
    expected = [as_label(question.expected) for question in suite.questions]
    return results.Measure(value=macro_f1(expected, list(map(as_label, given))), rows=len(given))


if __name__ == "__main__":
    main(MANIFEST, work)
