"""The end of a run as it is drawn; the goldens are what users see."""

import json
import shlex
from datetime import timedelta

from scripted.desk import golden
from scripted.values import BEGIN, a_run, a_step, an_event, folded

from tunewright.client.cli.view.summary import curl_line, render_summary, summary_value
from tunewright.client.values import Failure, Requirement, Verdict

PLAN = {
    "steps": [
        {"name": "serve", "parameters": {"served_model_name": "support", "smoke_prompt": "It's late: where is K-1?"}}
    ]
}
LATER = {"start_time": BEGIN, "end_time": BEGIN + timedelta(seconds=70)}
EXAM = Verdict(
    passed=True,
    requirements=(
        Requirement(
            written="", evaluated="exam.routing.exact 0.875 >= exam_base.routing.exact 0.000 + 0.3", passed=True
        ),
    ),
)
EVENTS = (
    an_event(
        1,
        "summary",
        step="sft",
        values={"loss": 0.412, "tokens": 22840, "training_seconds": 66.2, "peak_memory_bytes": 2.1e9},
    ),
    an_event(2, "evaluation", step="exam", suite="routing", metric="exact", value=0.875, rows=32, error=0.06),
    an_event(3, "evaluation", step="exam", suite="routing", metric="exact_stderr", value=0.06, rows=32),
    an_event(
        4,
        "summary",
        step="pack",
        values={"size_bytes": 113_000_000, "size_before_bytes": 269_000_000, "perplexity": 21.4},
    ),
    an_event(5, "sample", step="serve", prompt="?", reply='{"intent":"track"}\x1b[2J\nmore'),
)


def test_a_run_that_succeeded() -> None:
    run = a_run(
        a_step("base", "reused", verb="fetch", artifact="sha256:" + "91c2" * 16, reused_from="20261120-100000-cd34"),
        a_step("sft", "succeeded", artifact="sha256:" + "0a" * 32, **LATER),
        a_step("exam", "succeeded", verb="evaluate", artifact="sha256:" + "0b" * 32, **LATER),
        a_step("better", "succeeded", verb="gate", verdict=EXAM, attempt=0),
        a_step("pack", "succeeded", verb="export", artifact="sha256:" + "0c" * 32, **LATER),
        a_step("serve", "succeeded", verb="deploy", address="http://127.0.0.1:8000/v1", **LATER),
        state="succeeded",
        end_time=BEGIN + timedelta(seconds=312),
    )
    text = render_summary(run, PLAN, folded(*EVENTS))
    assert text == golden("summary.txt", text)
    assert "\x1b" not in text


def test_a_run_that_failed() -> None:
    failure = Failure(
        reason="OUT_OF_MEMORY", message="the host's memory is used up", help="use a smaller batch", step="sft"
    )
    run = a_run(
        a_step("base", "succeeded", verb="fetch", artifact="sha256:" + "91c2" * 16, **LATER),
        a_step("sft", "failed", failure=failure, **LATER),
        a_step("exam", "skipped", verb="evaluate", attempt=0),
        state="failed",
        failure=failure,
        end_time=BEGIN + timedelta(seconds=127),
    )
    text = render_summary(
        run, PLAN, folded(), log_end="step 8\nstep 9: \x1b[31mallocating\nthe host's memory is used up\n"
    )
    assert text == golden("failure.txt", text)


def test_the_question_can_be_pasted_into_a_shell() -> None:
    words = shlex.split(curl_line("http://127.0.0.1:8000/v1", "m", 'It\'s "late" $(reboot) `x`'))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:8000/v1/chat/completions"]
    assert json.loads(words[-1])["messages"][0]["content"] == 'It\'s "late" $(reboot) `x`'


def test_everything_on_the_screen_is_in_the_json() -> None:
    run = a_run(a_step("exam", "succeeded"), a_step("better", "succeeded", verdict=EXAM))
    value = summary_value(run, folded(*EVENTS))
    assert value["steps"][0]["evaluations"][0] == {
        "suite": "routing",
        "metric": "exact",
        "value": 0.875,
        "rows": 32,
        "error": 0.06,
    }
    assert value["steps"][1]["verdict"]["requirements"][0]["passed"] is True


def test_commands_to_paste_are_one_command_whatever_things_are_called() -> None:
    evil = "life.yaml; touch owned\n#\x1b[2J"
    step = a_step("serve", "failed", verb="deploy", address="http://127.0.0.1:1/$(touch owned)", **LATER)
    run = a_run(step, state="cancelled", spec_path=evil)
    (told,) = [line for line in render_summary(run, PLAN, folded()).splitlines() if "tunewright run" in line]
    words = shlex.split(told.partition("next")[2].partition("   (")[0])
    assert words == ["tunewright", "run", "life.yaml; touch owned\\n#\\x1b[2J"]
    assert shlex.split(curl_line(step.address, "m", "?"))[2] == f"{step.address}/chat/completions"
