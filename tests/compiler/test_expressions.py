"""Requirements of gates: what they mean, how they read with numbers, and what is said about broken ones."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.compiler.expressions import ExpressionError, evaluate, names_used, parse, paths_in

METRICS = {
    "exam": {"routing": {"exact": 0.875, "rows": 32}, "facts": {"exact": 0.5}},
    "exam_base": {"routing": {"exact": 0.0}},
}


@pytest.mark.parametrize(
    ("text", "passed", "shown"),
    [
        (
            "exam.routing.exact >= exam_base.routing.exact + 0.3",
            True,
            "exam.routing.exact 0.875 >= exam_base.routing.exact 0.000 + 0.3",
        ),
        ("mean(exam.*.exact) > 0.7", False, "mean(exam.*.exact) 0.6875 > 0.7"),
        ("min(*.routing.exact, 1) == 0", True, "min(*.routing.exact, 1) 0.000 == 0"),
        ("max(exam.facts.exact, 0.6) <= .6", True, "max(exam.facts.exact, 0.6) 0.600 <= .6"),
        ("exam.routing.rows != 32 or not 1 > 2", True, "exam.routing.rows 32 != 32 or not 1 > 2"),
        ("1 < 2 and (2 < 1 or 3 < 4)", True, "1 < 2 and (2 < 1 or 3 < 4)"),
        ("1 + 2 * 3 == 7", True, "1 + 2 * 3 == 7"),
        ("(1 + 2) * 3 == 9", True, "(1 + 2) * 3 == 9"),
        ("8 / 2 / 2 == 2", True, "8 / 2 / 2 == 2"),
        ("5 - 2 - 1 == 2", True, "5 - 2 - 1 == 2"),
        ("-exam.routing.exact < -0.5", True, "-exam.routing.exact 0.875 < -0.5"),
        ("not 1 < 2 and 1 < 2", False, "not 1 < 2 and 1 < 2"),
        ("1 < 2 or 1 < 2 and 2 < 1", True, "1 < 2 or 1 < 2 and 2 < 1"),
        ("1e-3 < 1", True, "1e-3 < 1"),
    ],
)
def test_meaning_and_reading(text: str, passed: bool, shown: str) -> None:
    result = evaluate(parse(text), METRICS)
    assert (result.passed, result.text) == (passed, shown)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("exam.routing.exact", 1, "a requirement compares"),
        ("", 1, "something is missing"),
        ("exam.routing.exact >=", 22, "something is missing"),
        ("1 < 2 < 3", 7, "only two sides"),
        ("1 < 2 )", 7, "`)` is not expected"),
        ("(1 < 2", 7, "`)` is missing"),
        ("a $ 1", 3, "`$` has no meaning"),
        ("accuracy > 1", 1, "write step.suite.metric"),
        ("exam.accuracy > 1", 1, "write step.suite.metric"),
        ("a.b.c.d > 1", 1, "write step.suite.metric"),
        ("1 < exam.*.exact", 5, "put it into mean(), min() or max()"),
        ("not 1", 1, "`not` needs a comparison"),
        ("1 and 1 < 2", 3, "`and` needs a comparison on both sides"),
        ("(1 < 2) + 1 > 2", 1, "a comparison is no number"),
        ("mean() > 1", 6, "`)` is not expected"),
        ("__import__('os') > 1", 12, "has no meaning"),
        ("(" * 60 + "1 < 2" + ")" * 60, 51, "nested too deeply"),
        ("1" + " + 1" * 500 + " > 1", 1, "too long"),
    ],
)
def test_broken_text_is_told_with_its_column(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("exam.routing.exat > 1", 1, "`exam.routing` has no metric `exat`; there is exact, rows"),
        ("1 < exam.coding.exact", 5, "`exam` has no suite `coding`; there is facts, routing"),
        ("final.routing.exact > 1", 1, "step `final` has no metrics; there is exam, exam_base"),
        ("mean(exam.*.bleu) > 1", 6, "`exam.*` has no metric `bleu`; there is exact, rows"),
        ("1 / exam_base.routing.exact > 1", 3, "division by zero"),
    ],
)
def test_what_is_missing_is_told_with_what_exists(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(text), METRICS)
    assert words in str(caught.value)
    assert caught.value.column == column


def test_nan_decides_nothing() -> None:
    with pytest.raises(ExpressionError, match="no number to decide by"):
        evaluate(parse("a.b.c < 1"), {"a": {"b": {"c": math.nan}}})


def test_close_calls_do_not_look_like_ties() -> None:
    assert evaluate(parse("a.b.c >= 0.82"), {"a": {"b": {"c": 0.8199}}}).text == "a.b.c 0.8199 >= 0.82"


def test_names_in_the_order_of_the_text() -> None:
    text = "mean(exam.*.exact) > base.s.m + 1 or not (a.b.c < -d.e.f)"
    assert names_used(text) == ("exam.*.exact", "base.s.m", "a.b.c", "d.e.f")


@given(st.text(alphabet="ab.*()<>=!+-/ 01,ndortm", max_size=60))
def test_any_text_is_a_requirement_or_an_error_inside_the_text(text: str) -> None:
    try:
        evaluate(parse(text), METRICS)
        column = 1
    except ExpressionError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


def test_paths_are_found_in_text_that_is_no_requirement_yet() -> None:
    text = '"mean(exam.*.exact) > 1.5 and exam.quiz.'

    assert paths_in(text) == (("exam.*.exact", 6), ("exam.quiz", 30))
