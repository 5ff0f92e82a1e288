"""Runner of `evaluate.suites`: put a model through suites of the user's own and score its answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.attachments.lead_in import lead_in
from tunewright.runners.chat import ChatTemplateError, as_messages, prompt_tokens
from tunewright.runners.contract import StepFile
from tunewright.runners.evaluation import results
from tunewright.runners.evaluation.corpus import measure_corpus, require_packages
from tunewright.runners.evaluation.generation import Sampling, write_replies
from tunewright.runners.evaluation.likelihood import choice_likelihoods, likeliest
from tunewright.runners.evaluation.scores import score_reply
from tunewright.runners.evaluation.suites import Question, Suite, read_suite
from tunewright.runners.families import register_families
from tunewright.runners.model_loading import load_for_inference, load_tokenizer, settle
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main

MANIFEST = Manifest(
    name="evaluate_suites",
    version="1",
    kinds=("evaluate.suites",),
    capabilities=("generation", "loglikelihood", "adapter"),
    environment="train",
    packages=("torch", "transformers", "peft", "jsonschema"),
)

_SHOWN_SAMPLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What a suite gave: one reply, expectation and set of scores a question, and the measures over all of them."""

    replies: Sequence[str]
    scores: Sequence[Mapping[str, float]]
    measures: Mapping[str, results.Measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Examinee:
    """The loaded model, its tokenizer and how it answers."""

    model: Any
    tokenizer: Any
    sampling: Sampling
    batch_size: int
    system_prompt: str | None

    def tokens(self, suite: Suite, question: Question) -> list[int]:
        """Return the prompt of a question as ids; raise StepFailedError where template or context length forbid it."""
        prompt = question.prompt if isinstance(question.prompt, str) else list(question.prompt)
        try:
            ids = prompt_tokens(self.tokenizer, as_messages(prompt, self.system_prompt))
        except ChatTemplateError as error:
            raise _bad_row(suite, question, str(error)) from error
        limit = getattr(self.model.config, "max_position_embeddings", None)
        needed = len(lead_in(self.model).ids) + len(ids) + (0 if question.choices else self.sampling.max_new_tokens)
        if limit is not None and needed > limit:
            raise _bad_row(suite, question, f"prompt and reply need {needed} tokens, the model takes {limit}")
        return ids


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Check every suite, load the model, answer, score, and leave metrics.json and samples.jsonl in outputs/."""
    report.phase("checking suites")
    suites = _read_suites(step)
    for suite in suites:
        require_packages(suite)
    parameters = step.parameters
    settle(threads=parameters["threads"], device=parameters["device"], seed=parameters["seed"])
    register_families(parameters.get("families", ()))
    report.phase("loading model")
    folder = Path(step.inputs["model"].path)
    adapter = Path(step.inputs["adapter"].path) if "adapter" in step.inputs else None
    examinee = _Examinee(
        model=load_for_inference(folder, adapter, precision=parameters["precision"], device=parameters["device"]),
        tokenizer=load_tokenizer(folder),
        sampling=Sampling(max_new_tokens=parameters["max_new_tokens"], temperature=parameters["temperature"]),
        batch_size=parameters["batch_size"],
        system_prompt=parameters["system_prompt"],
    )
    outcomes = {suite.name: _take(suite, examinee, report) for suite in suites}
    outputs = bundle / contract.OUTPUTS
    outputs.mkdir(exist_ok=True)
    results.write_samples(outputs, (row for suite in suites for row in _samples(suite, outcomes[suite.name])))
    measures = {name: outcome.measures for name, outcome in outcomes.items()}
    results.write_metrics(outputs, measures, {suite.name: len(suite.questions) for suite in suites})
    report.emit("artifact", role="evaluation", path=contract.OUTPUTS)
    report.summary(**{f"{suite.name}.{name}": value for suite in suites for name, value in _headline(suite, measures)})


def _read_suites(step: StepFile) -> list[Suite]:
    suites = []
    for name, settings in sorted(step.parameters["suites"].items()):
        schema = step.inputs.get(f"schema.{name}")
        path = Path(step.inputs[f"suite.{name}"].path)
        suites.append(read_suite(name, path, settings, None if schema is None else Path(schema.path)))
    return suites


def _take(suite: Suite, examinee: _Examinee, report: Reporter) -> _Outcome:
    report.phase(f"suite {suite.name}")
    prompts = [examinee.tokens(suite, question) for question in suite.questions]

    def on_batch(done: int) -> None:
        report.progress(done, len(prompts), "rows", suite=suite.name)

    if suite.by_likelihood:
        outcome = _weigh(suite, examinee, prompts, on_batch, report)
    else:
        replies = write_replies(
            examinee.model,
            examinee.tokenizer,
            prompts,
            examinee.sampling,
            examinee.batch_size,
            on_batch,
            report.check_cancelled,
        )
        scores = [score_reply(suite, question, reply) for question, reply in zip(suite.questions, replies, strict=True)]
        measures = results.measure_rows(scores) | measure_corpus(suite, replies)
        outcome = _Outcome(replies=replies, scores=scores, measures=measures)
    for sample in list(_samples(suite, outcome))[:_SHOWN_SAMPLES]:
        report.emit("sample", suite=suite.name, prompt=_shown(sample["prompt"]), reply=sample["reply"])
    results.report_measures(report, suite.name, outcome.measures)
    return outcome


def _weigh(
    suite: Suite,
    examinee: _Examinee,
    prompts: Sequence[Sequence[int]],
    on_batch: Callable[[int], None],
    report: Reporter,
) -> _Outcome:
    """Take the likeliest choice, by its whole likelihood and by that per UTF-8 byte (fair to long ones)."""
    replies: list[str] = []
    scores: list[dict[str, float]] = []
    for question, prompt in zip(suite.questions, prompts, strict=True):
        report.check_cancelled()
        tokens = [examinee.tokenizer(choice, add_special_tokens=False)["input_ids"] for choice in question.choices]
        values = choice_likelihoods(examinee.model, prompt, tokens)
        per_byte = [value / len(text.encode()) for value, text in zip(values, question.choices, strict=True)]
        replies.append(question.choices[likeliest(values)])
        scores.append(
            {
                "accuracy": float(likeliest(values) == question.answer),
                "accuracy_normalized": float(likeliest(per_byte) == question.answer),
            }
        )
        if len(replies) % examinee.batch_size == 0 or len(replies) == len(prompts):
            on_batch(len(replies))
    return _Outcome(replies=replies, scores=scores, measures=results.measure_rows(scores))


def _samples(suite: Suite, outcome: _Outcome) -> list[dict[str, Any]]:
    return [
        {
            "suite": suite.name,
            "id": question.id,
            "prompt": question.prompt,
            "reply": reply,
            "expected": question.choices[question.answer] if question.choices else question.expected,
            "scores": dict(scores),
        }
        for question, reply, scores in zip(suite.questions, outcome.replies, outcome.scores, strict=True)
    ]


def _headline(suite: Suite, measures: Mapping[str, Mapping[str, results.Measure]]) -> list[tuple[str, float]]:
    """The few numbers a person looks at first: what the metric is named after, or all there is."""
    own = measures[suite.name]
    name = "accuracy" if suite.by_likelihood else suite.metric.rpartition(".")[2]
    return [(key, round(own[key].value, 6)) for key in ([name] if name in own else sorted(own))]


def _shown(prompt: Any) -> str:
    return prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)


def _bad_row(suite: Suite, question: Question, problem: str) -> StepFailedError:
    return StepFailedError(
        f"{suite.at(question)}: {problem}",
        reason="SUITE_INVALID",
        help="shorten or correct the row, or lower max_new_tokens",
    )


if __name__ == "__main__":
    main(manifest=MANIFEST, work=work)
