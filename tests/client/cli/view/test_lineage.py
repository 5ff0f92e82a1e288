"""Where a run comes from is on its screen, and so is where it went on."""

from typing import Any

import pytest
from scripted.values import a_run, a_step, an_event, folded

from tunewright.client.cli.view.summary import render_summary
from tunewright.client.values import Failure

OLD, NEW = "20261121-190000-aa00", "20261121-200000-ab12"
CONTINUED: dict[str, Any] = {
    "name": "sft",
    "parameters": {
        "continued": {
            "changed": {
                "learning_rate": {"from": 0.005, "to": 0.001},
                "watch": {"from": {"memory": "pause", "window": 64}, "to": {"memory": "warn", "window": 64}},
            }
        }
    },
    "provenance": {"continued": f"written: resumed by ann at checkpoint 16 of run {OLD}: it was short"},
}


def screen(run: Any, plan: Any, *events: Any) -> list[str]:
    return render_summary(run, plan, folded(*events)).splitlines()


def test_a_changed_continuation_says_what_changed_and_who_asked() -> None:
    run = a_run(a_step("sft", "succeeded"), state="succeeded", retry_of=OLD)
    line = screen(run, {"steps": [CONTINUED]})[1]
    assert line == (
        f"  lineage    sft resumed by ann at checkpoint 16 of run {OLD}: it was short; "
        "learning_rate 0.005 -> 0.001, watch.memory pause -> warn"
    )


def test_a_retry_names_the_run_before_and_a_first_run_none() -> None:
    again = a_run(a_step("sft", "succeeded"), state="succeeded", retry_of=OLD)
    assert screen(again, {})[1] == f"  lineage    does run {OLD} again"
    assert screen(a_run(a_step("sft", "succeeded"), state="succeeded"), {})[1] == ""


def test_a_run_that_another_goes_on_from_says_so() -> None:
    cancelled = a_run(a_step("sft", "cancelled"), state="cancelled")
    told = an_event(1, "run_cancelling", step="", mode="graceful", reason=f"goes on as run {NEW}")
    assert f"  lineage    goes on as run {NEW}" in screen(cancelled, {}, told)


def test_warnings_are_there_at_the_end() -> None:
    events = [an_event(number, "warning", code="w", message=f"warning {number}") for number in range(1, 6)]
    lines = screen(a_run(a_step("sft", "succeeded"), state="succeeded"), {}, *events)
    assert [line for line in lines if "warned" in line] == [
        "  warned     sft: warning 1",
        "  warned     sft: warning 2",
        "  warned     sft: warning 3",
        "  warned     and 2 more: they are in the run's events",
    ]


@pytest.mark.parametrize(
    ("reason", "next_"), [("DATA_INVALID", "tunewright run life.yaml"), ("DISK_FULL", f"tunewright retry {NEW}")]
)
def test_what_would_only_fail_again_is_no_retry(reason: str, next_: str) -> None:
    failure = Failure(reason=reason, message="it failed", step="sft")
    run = a_run(a_step("sft", "failed", failure=failure), state="failed", failure=failure)
    (line,) = (line for line in screen(run, {}) if line.startswith("  next "))
    assert next_ in line
