"""How a model is measured before it may go on, and what the gate asks."""

import math

from tunewright.compiler.recommend.situation import Choice, Situation, under

_SUITE = "held_out"
#: Task -> metric of the suite, the number that the gate looks at, why.
_METRICS = {
    "chat": ("rouge", "rougeL", "words shared with the expected answers: coarse, but needs no judge"),
    "json": ("json_match", "json_match", "the reply must be JSON with the expected values"),
    "classify": ("accuracy", "accuracy", "the reply must be the expected label"),
    "preference": ("rouge", "rougeL", "words shared with the better answers: coarse, but needs no judge"),
    "continue": ("rouge", "rougeL", "words shared with how the texts really go on"),
}
_EXACT = frozenset({"json", "classify"})
_MARGIN = 0.1
_ROOM = 16
_MOST_NEW_TOKENS = 512


def suite_choices(situation: Situation) -> tuple[Choice, ...]:
    """Return the lines of the suite."""
    exam = situation.exam
    metric, _, reason = _METRICS[situation.task]
    taken = (
        f"from the last {exam.taken} rows of the data: never learned from"
        if exam.taken
        else f"{exam.rows} rows of your own"
    )
    return under("suites", _SUITE, file=(exam.file, taken), metric=(metric, reason))


def new_tokens(situation: Situation) -> int:
    """Return the longest reply worth waiting for, in tokens."""
    wanted = math.ceil((situation.exam.longest_reply / 2 + _ROOM) / _ROOM) * _ROOM
    return min(max(wanted, _ROOM), _MOST_NEW_TOKENS)


def exam_choices(situation: Situation, model: str) -> tuple[Choice, ...]:
    """Return the lines of both exams: of the base, and of what was trained."""
    tokens = new_tokens(situation)
    why = f"the longest expected reply has {situation.exam.longest_reply:,} characters"
    return tuple(
        choice
        for step, measured, reason in (
            ("exam_base", "base", "what there is before any training"),
            ("exam", model, "the same questions to what was trained"),
        )
        for choice in under(
            "steps",
            step,
            "evaluate",
            model=(measured, reason),
            suites=(_SUITE, ""),
            max_new_tokens=(tokens, why if step == "exam_base" else "as above, so that both can be compared"),
        )
    )


def gate_choices(situation: Situation) -> tuple[Choice, ...]:
    """Return the gate: at least better than the base, and than guessing."""
    _, number, _ = _METRICS[situation.task]
    after, before = f"exam.{_SUITE}.{number}", f"exam_base.{_SUITE}.{number}"
    one_row = math.ceil(100 / situation.exam.rows) / 100
    step = ("steps", "better", "gate")
    if situation.task in _EXACT:
        margin = max(_MARGIN, one_row)
        wanted, reason = (
            f"{after} >= {before} + {margin:g}",
            "training must be worth it: raise it as rows get better",
        )
    elif situation.task == "preference":
        margin = max(_MARGIN / 2, one_row)
        wanted, reason = f"{after} >= {before} - {margin:g}", "preferences must not cost the answers themselves"
    else:
        wanted, reason = f"{after} >= {before}", "no worse than before: this metric is too coarse for more"
    guess = situation.exam.guess if situation.task == "classify" else None
    if guess is None or guess >= 1:
        return under(*step, require=(wanted, reason))
    floor = math.floor(guess * 1000) / 1000
    return (
        Choice(path=(*step, "require", "-"), value=wanted, reason=reason),
        Choice(
            path=(*step, "require", "-"),
            value=f"{after} > {floor:g}",
            reason="what always giving the most frequent label would get",
        ),
    )
