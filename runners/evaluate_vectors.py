"""Runner of `evaluate.vectors`: let an embedding model find the expected text of each prompt among all of a suite."""

from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.evaluation import results
from tunewright.runners.evaluation.figures import ranks, scores_of_rank
from tunewright.runners.evaluation.reading import Reader, adapter_of, load_reader, progress_of, read_text_suites
from tunewright.runners.evaluation.suites import Suite
from tunewright.runners.model_loading import dtype_of, settle
from tunewright.runners.sdk import Manifest, Reporter, main
from tunewright.runners.training.heads.layout import pooling_of
from tunewright.runners.vision import body_class

MANIFEST = Manifest(
    name="evaluate_vectors",
    version="1",
    kinds=("evaluate.vectors",),
    capabilities=("adapter",),
    environment="train",
    packages=("torch", "transformers", "peft"),
)


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Check every suite, load the model, compare vectors, and leave metrics.json and samples.jsonl in outputs/."""
    report.phase("checking suites")
    suites = read_text_suites(step)
    pooling = pooling_of(adapter_of(step) or Path(step.inputs["model"].path))
    settle(threads=step.parameters["threads"], device=step.parameters["device"])
    report.phase("loading model")
    reader = load_reader(step, lambda folder: _load(folder, step.parameters["precision"]))
    outputs = bundle / contract.OUTPUTS
    outputs.mkdir(exist_ok=True)
    samples: list[dict[str, Any]] = []
    measures: dict[str, dict[str, results.Measure]] = {}
    for suite in suites:
        report.phase(f"suite {suite.name}")
        nearest, scores = _found(suite, reader, pooling, report)
        samples += results.text_samples(suite, nearest, scores)
        measures[suite.name] = results.measure_rows(scores)
        results.report_measures(report, suite.name, measures[suite.name])
    results.write_samples(outputs, samples)
    results.write_metrics(outputs, measures, {suite.name: len(suite.questions) for suite in suites})
    report.emit("artifact", role="evaluation", path=contract.OUTPUTS)
    report.summary(
        **{
            f"{suite}.{name}": round(measure.value, 6)
            for suite, own in measures.items()
            for name, measure in own.items()
        }
    )


def _load(folder: Path, precision: str) -> Any:
    return body_class(folder).from_pretrained(folder, dtype=dtype_of(precision), local_files_only=True)


def _found(suite: Suite, reader: Reader, pooling: str, report: Reporter) -> tuple[list[str], list[dict[str, float]]]:
    """Return the nearest text to each prompt and the scores by the place of the expected one."""
    prompts = [str(question.prompt) for question in suite.questions]
    texts = list(dict.fromkeys(str(question.expected) for question in suite.questions))
    vectors = _vectors(suite, reader, [*prompts, *texts], pooling, report)
    queries, candidates = vectors[: len(prompts)], vectors[len(prompts) :]
    number = {text: index for index, text in enumerate(texts)}
    right = [number[str(question.expected)] for question in suite.questions]
    by_prompt: dict[str, set[int]] = {}
    for prompt, own in zip(prompts, right, strict=True):
        by_prompt.setdefault(prompt, set()).add(own)
    places = ranks(queries, candidates, right, [sorted(by_prompt[prompt]) for prompt in prompts])
    nearest = [texts[index] for index in (queries @ candidates.T).argmax(dim=1).tolist()]
    return nearest, [scores_of_rank(place) for place in places]


def _vectors(suite: Suite, reader: Reader, texts: list[str], pooling: str, report: Reporter) -> Any:
    """Return vectors of shape (texts, width) on the processor."""
    import torch

    from tunewright.runners.training.heads.contrast import pooled

    rows: list[Any] = [None] * len(texts)
    for numbers, output, mask in reader.outputs(texts, progress_of(suite, len(texts), report)):
        for number, vector in zip(numbers, pooled(output.last_hidden_state, mask, pooling).cpu(), strict=True):
            rows[number] = vector
    return torch.stack(rows)


if __name__ == "__main__":
    main(MANIFEST, work)
