"""Scores of free text over a whole suite by the reference implementations: sacrebleu and rouge-score."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.evaluation.figures import macro_f1
from tunewright.runners.evaluation.results import Measure, mean_of
from tunewright.runners.evaluation.scores import as_label
from tunewright.runners.evaluation.suites import Suite
from tunewright.runners.sdk import StepFailedError

_PACKAGES = {"bleu": ("sacrebleu", "sacrebleu"), "rouge": ("rouge_score", "rouge-score")}

_BOOTSTRAP_SAMPLES = 1000

_CI_IN_ERRORS = 1.96
"""A 95 % interval reaches so many standard errors to each side."""

_ROUGE_TYPES = ("rouge1", "rouge2", "rougeL")


def require_packages(suite: Suite) -> None:
    """Raise StepFailedError (69) now rather than after the replies when the metric's library is not installed."""
    if suite.metric not in _PACKAGES:
        return
    module, package = _PACKAGES[suite.metric]
    if find_spec(module) is None:
        raise StepFailedError(
            f"suite `{suite.name}`: metric `{suite.metric}` needs the package {package}",
            reason="PACKAGE_MISSING",
            help=f"pip install {package} into the environment `train`",
            code=ExitCode.UNAVAILABLE,
        )


def measure_corpus(suite: Suite, replies: Sequence[str]) -> dict[str, Measure]:
    """Return BLEU (0 to 100), ROUGE F-measures or macro F1 (0 to 1) of the replies; other metrics give nothing here."""
    expected = [str(question.expected) for question in suite.questions]
    match suite.metric:
        case "accuracy":
            labels = [as_label(text) for text in expected]
            return {"macro_f1": Measure(value=macro_f1(labels, list(map(as_label, replies))), rows=len(replies))}
        case "bleu":
            return {"bleu": _bleu(replies, expected, suite.tokenize)}
        case "rouge":
            return _rouge(replies, expected, suite.tokenize)
        case _:
            return {}


def _bleu(replies: Sequence[str], expected: Sequence[str], tokenize: str | None) -> Measure:
    from sacrebleu.metrics import BLEU

    # The bootstrap's seed is sacrebleu's fixed default: the same replies give the same error.
    metric = BLEU(tokenize=tokenize)
    if len(replies) < 2:
        return Measure(value=metric.corpus_score(list(replies), [list(expected)]).score, rows=len(replies))
    score: Any = metric.corpus_score(list(replies), [list(expected)], n_bootstrap=_BOOTSTRAP_SAMPLES)
    return Measure(value=score.score, error=score._ci / _CI_IN_ERRORS, rows=len(replies))


def _rouge(replies: Sequence[str], expected: Sequence[str], tokenize: str | None) -> dict[str, Measure]:
    from rouge_score.rouge_scorer import RougeScorer

    # rouge-score's own tokenizer drops everything but a-z and 0-9: Chinese would score zero in silence.
    by_character = tokenize in ("zh", "char") or any(not text.isascii() for text in expected)
    scorer = RougeScorer(list(_ROUGE_TYPES), tokenizer=_Characters() if by_character else None)
    rows = [scorer.score(wanted, reply) for wanted, reply in zip(expected, replies, strict=True)]
    return {name: mean_of([row[name].fmeasure for row in rows]) for name in _ROUGE_TYPES}


class _Characters:
    """Words of ASCII letters and digits stay together, every other character that is not space stands alone."""

    def tokenize(self, text: str) -> list[str]:
        tokens: list[str] = []
        word = ""
        for character in text.casefold():
            if character.isascii() and character.isalnum():
                word += character
                continue
            if word:
                tokens.append(word)
                word = ""
            if character.isalnum():
                tokens.append(character)
        return [*tokens, word] if word else tokens
