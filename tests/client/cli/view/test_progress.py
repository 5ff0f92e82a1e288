"""The fold of a run's events, and what is drawn from it."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scripted.values import BEGIN, a_run, a_step, an_event, folded

from tunewright.client.cli.display import Lines, table_text
from tunewright.client.cli.logs import readable
from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.cli.view.steps import bar, curve, now_doing
from tunewright.client.values import LogChunk, RunEvent


def test_time_left_follows_from_the_pace_where_the_runner_does_not_say() -> None:
    progress = folded(
        an_event(1, "progress", second=10, done=2, total=10, unit="steps"),
        an_event(2, "progress", second=20, done=4, total=10, unit="steps"),
    )
    assert progress.of("sft").eta_seconds == 30
    said = folded(an_event(1, "progress", done=2, total=10, unit="steps", eta_seconds=5))
    assert said.of("sft").eta_seconds == 5


def test_a_new_attempt_begins_anew() -> None:
    progress = folded(an_event(1, "metric", values={"loss": 2.0}), an_event(2, "phase", attempt=2, name="loading"))
    assert progress.of("sft").phase == "loading"
    assert not progress.of("sft").losses


def test_events_of_the_engine_are_told_apart() -> None:
    progress = RunProgress()
    assert progress.take(an_event(1, "metric", values={"loss": 1.0}))
    assert not progress.take(an_event(2, "step_succeeded"))
    assert not progress.take(an_event(3, "something_new"))
    assert progress.last_sequence == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.sampled_from(["progress", "metric", "evaluation", "summary", "sample", "warning", "phase"]),
    st.dictionaries(
        st.sampled_from(
            ["done", "total", "unit", "values", "value", "rows", "name", "eta_seconds", "reply", "message"]
        ),
        json_values,
    ),
)
def test_no_body_of_a_foreign_runner_breaks_the_screen(kind: str, body: dict[str, Any]) -> None:
    event = RunEvent(sequence=1, time=BEGIN, step="sft", attempt=1, kind=kind, body=body)
    progress = folded(event)
    run = a_run(a_step("sft", "running"))
    text = table_text(run, progress, {}, columns=80, blocks=True)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
    assert "\x1b" not in "".join(Lines().news(run, progress, event))


def test_the_running_step_has_bar_loss_speed_memory_and_time_left() -> None:
    values = {"loss": 0.412, "tokens_per_second": 431.0, "memory_bytes": 2_600_000_000}
    progress = folded(
        *(an_event(n, "metric", values={"loss": 2.0 / n}) for n in range(1, 9)),
        an_event(9, "progress", done=9, total=24, unit="step", eta_seconds=92),
        an_event(10, "metric", values=values),
    )
    assert now_doing(progress.of("sft"), 2_900_000_000) == (
        "####------  38 %  step 9/24  1m 30s left  loss 0.412 ^.______  431 tok/s  2.6/2.9 GB"
    )


def test_a_table_has_a_line_a_step_and_warnings_below_theirs() -> None:
    progress = folded(an_event(1, "warning", code="x", message="3 rows \x1b[31mwere cut"))
    run = a_run(a_step("base", "reused", artifact="sha256:91c2aabbccdd"), a_step("sft", "running"), a_step("exam"))
    assert table_text(run, progress, {}, columns=60, blocks=False).splitlines() == [
        "  ok    base  reused   sha256:91c2aabb…",
        "  run   sft   starting",
        "        warning: 3 rows \\x1b[31mwere cut",
        "  wait  exam",
    ]


def test_lines_are_printed_when_something_happens_and_not_more_often() -> None:
    lines, progress, run = Lines(), RunProgress(), a_run(a_step("sft", "running"))
    seen: list[str] = []
    for n in range(1, 41):
        event = an_event(n, "progress", second=n, done=n, total=40, unit="steps")
        progress.take(event)
        seen += lines.news(run, progress, event)
    assert len(seen) == 1 + 4  # started; then at 1, 11, 21 and 31 seconds
    assert seen[0].endswith("run   sft  started")


def test_bar_and_curve() -> None:
    assert (bar(0), bar(0.38), bar(1)) == ("-" * 10, "####------", "#" * 10)
    assert curve([1.0], blocks=True) == ""
    assert curve([8, 7, 6, 5, 4, 3, 2, 1], blocks=True) == "█▇▆▅▄▃▂▁"
    assert curve([2.0, 2.0], blocks=False) == "__"


@given(st.lists(st.floats(0, 1e6), min_size=2), st.booleans())
def test_a_curve_is_never_longer_than_eight(values: Sequence[float], blocks: bool) -> None:
    assert 2 <= len(curve(values, blocks=blocks)) <= 8


@given(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), st.integers(1, 7))
def test_log_bytes_become_the_same_text_however_they_are_cut(text: str, length: int) -> None:
    raw = text.replace("\n", "\r\n").encode("utf-8")
    chunks = [LogChunk(data=raw[at : at + length], next_offset=at) for at in range(0, len(raw), length)]
    assert "".join(readable(chunks)) == text
