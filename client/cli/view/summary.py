"""The end of a run: the outcome first, then each step with its figures, then what to do next."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from tunewright.client.cli.view.lineage import lineage_lines
from tunewright.client.cli.view.progress import Measured, RunProgress, StepProgress
from tunewright.client.cli.view.steps import STATE_WORDS, elapsed, short_artifact
from tunewright.client.values import STEP_ENDED, Failure, Run, RunStep
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean, clean_line, shorten
from tunewright.compiler.render.quantities import counted, duration, figure, size

_MAX_FIGURES = 4
#: What a suite's metric is called in its results, where it is called otherwise.
_MAIN = {"multiple_choice": "accuracy", "rouge": "rougeL"}
_LOG_LINES = 12
_HOW_ENDED = {
    "succeeded": "succeeded in",
    "failed": "failed after",
    "cancelled": "cancelled after",
    "paused": "is paused",
}
_REPLY_WIDTH = 400
_WARNINGS = 3
#: Failures that come again, whatever checkpoint it goes on from, as long as nothing is changed.
_LASTING = frozenset(
    {
        "CHAT_TEMPLATE_BROKEN", "CHAT_TEMPLATE_MISSING", "DATA_INVALID", "EOS_MISSING", "INPUT_CHANGED",
        "MODEL_NOT_FINITE", "MODEL_UNREADABLE", "OUT_OF_MEMORY", "ROWS_TOO_FEW", "ROWS_TOO_LONG", "TEMPLATE_HARMFUL",
        "VOCABULARY_MISMATCH",
    }
)  # fmt: skip
_QUESTION = "Hello!"


def render_summary(run: Run, plan: Mapping[str, Any], progress: RunProgress, *, log_end: str = "") -> str:
    """Return the end-of-run screen. `log_end` is the end of the failed step's log, shown where the run failed."""
    lines = [
        _title(run),
        *lineage_lines(run, plan, progress),
        "",
        *_table(run, plan, progress),
        *_warned(run, progress),
    ]
    failure = _failure(run)
    if failure is not None:
        lines += ["", *_why(run, failure, log_end), *_kept(run), *_next(run, failure)]
    elif run.paused:
        lines += ["", *_resting(run)]
    elif run.state == "cancelled":
        lines += [
            "",
            *_kept(run),
            f"  next       {_run_again(run)}   (finished steps are reused)",
        ]
    else:
        lines += _live(run, plan, progress)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def summary_value(run: Run, progress: RunProgress) -> dict[str, Any]:
    """Return what the summary says as a JSON object."""
    from dataclasses import asdict

    value = asdict(run)
    for step in value["steps"]:
        seen = progress.of(step["step"])
        step["figures"] = dict(seen.summary)
        step["evaluations"] = [asdict(item) for item in seen.measured.values()]
        step["sample"] = {"prompt": seen.sample[0], "reply": seen.sample[1]} if seen.sample else None
        step["warnings"] = list(seen.warnings)
    return value


def figures(progress: StepProgress, parameters: Mapping[str, Any]) -> str:
    """Return the few figures of a step: what changed by it, else what was measured, else what its runner summed up."""
    told = [_told(name, value) for name, value in progress.summary.items() if _is_shown(value)]
    changed = [_changed(name, progress.summary) for name in progress.summary if _before(name) in progress.summary]
    measured = [
        f"{item.suite}.{item.metric} {figure(item.value)}{_spread(item)}" for item in _headline(progress, parameters)
    ]
    return clean_line("   ".join((changed or measured or told)[:_MAX_FIGURES]))


def _headline(progress: StepProgress, parameters: Mapping[str, Any]) -> list[Measured]:
    """Return what was measured: of a suite whose metric the plan states only that one, the rest is in the artifact."""
    rows = [item for item in progress.measured.values() if not item.metric.endswith("_stderr")]
    stated = {name: str(settings.get("metric")) for name, settings in (parameters.get("suites") or {}).items()}
    main = [item for item in rows if item.metric == _MAIN.get(stated.get(item.suite, ""), stated.get(item.suite))]
    return main or rows


def _before(name: str) -> str:
    return name.removesuffix("_bytes") + "_before" + ("_bytes" if name.endswith("_bytes") else "")


def _changed(name: str, summary: Mapping[str, Any]) -> str:
    new, old = summary[name], summary[_before(name)]
    if name.endswith("_bytes"):
        label = "" if name == "size_bytes" else f"{_label(name.removesuffix('_bytes'))} "
        return f"{label}{size(new)} (was {size(old)})"
    return f"{_label(name)} {figure(new)} (was {figure(old)})"


def curl_line(address: str, model: str, question: str) -> str:
    """Return a command that asks a deployed model one question; it can be pasted into a shell."""
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    quoted = shlex.quote(json.dumps(body, ensure_ascii=True))
    url = shlex.quote(f"{address}/chat/completions")
    return f"curl -s {url} -H 'content-type: application/json' -d {quoted}"


def _spread(item: Measured) -> str:
    return f" ±{figure(item.error)}" if item.error else ""


def _title(run: Run) -> str:
    begin, end = run.start_time or run.create_time, run.end_time
    took = duration((end - begin).total_seconds()) if begin and end else ""
    how = _HOW_ENDED.get(run.state, run.state)
    return clean_line(f"{run.spec_name}  run {run.id}  {how} {took}")


def _table(run: Run, plan: Mapping[str, Any], progress: RunProgress) -> list[str]:
    parameters = _parameters(plan)
    rows: list[tuple[str, ...]] = []
    for step in run.steps:
        if step.verdict is not None:
            rows += _gate_rows(step)
            continue
        seconds = elapsed(step)
        took = (
            "reused" if step.state == "reused" else (duration(seconds) if seconds is not None and step.attempt else "")
        )
        word = STATE_WORDS.get(step.state, step.state)
        rows.append(
            (
                word,
                step.step,
                step.verb,
                took,
                short_artifact(step),
                _shown(step, parameters.get(step.step, {}), progress),
            )
        )
    return [clean_line(line) for line in aligned(rows)]


def _parameters(plan: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {step["name"]: step.get("parameters", {}) for step in plan.get("steps", ())}


def _shown(step: RunStep, parameters: Mapping[str, Any], progress: RunProgress) -> str:
    if step.state == "reused":
        origin = f"of run {step.reused_from}" if step.reused_from else ""
        return "   ".join(part for part in (step.address, origin) if part)
    if step.state not in STEP_ENDED:
        return step.state if step.failure is None else f"{step.state}: {step.failure.reason}"
    return "   ".join(part for part in (step.address, figures(progress.of(step.step), parameters)) if part)


def _gate_rows(step: RunStep) -> list[tuple[str, ...]]:
    verdict = "passed" if step.verdict and step.verdict.passed else "not passed"
    took = "reused" if step.state == "reused" else ""
    rows: list[tuple[str, ...]] = []
    for index, item in enumerate(step.verdict.requirements if step.verdict else ()):
        mark = "" if item.passed else "does not hold: "
        head = (
            (STATE_WORDS.get(step.state, step.state), step.step, step.verb, took, verdict) if index == 0 else ("",) * 5
        )
        rows.append((*head, f"{mark}{item.evaluated}"))
    return rows


def _failure(run: Run) -> Failure | None:
    if run.state != "failed":
        return None
    return run.failure or next(
        (step.failure for step in run.steps if step.failure), Failure(reason="FAILED", message="the run failed")
    )


def _why(run: Run, failure: Failure, log_end: str) -> list[str]:
    place = f"{failure.step}: " if failure.step else ""
    lines = [clean_line(f"  {place}{failure.message}  [{failure.reason}]")]
    if failure.help:
        lines.append(clean_line(f"  help: {failure.help}"))
    tail = [line for line in clean(log_end).splitlines() if line.strip() != failure.message.strip()][-_LOG_LINES:]
    if tail:
        lines += [
            "",
            f"  the end of its log   (tunewright logs {run.id} {failure.step})",
            *(f"    | {line}" for line in tail),
            "",
        ]
    return lines


def _resting(run: Run) -> list[str]:
    reason = run.failure or Failure(reason="PAUSED", message="the run is paused")
    trains = any(step.verb == "train" and step.state == "paused" for step in run.steps)
    changed = f"  or         tunewright resume {run.id} --set learning_rate=...   (from the last checkpoint)"
    return [
        *_why(run, reason, ""),
        *_kept(run),
        f"  next       tunewright resume {run.id}   (as if it had never paused)",
        *([changed] if trains else []),
    ]


def _kept(run: Run) -> list[str]:
    done = [step.step for step in run.steps if step.state in ("succeeded", "reused")]
    return [f"  kept       {counted(len(done), 'finished step')}: {', '.join(done)}"] if done else []


def _warned(run: Run, progress: RunProgress) -> list[str]:
    told = [f"{step.step}: {message}" for step in run.steps for message in progress.of(step.step).warnings]
    more = [f"and {len(told) - _WARNINGS} more: they are in the run's events"] if len(told) > _WARNINGS else []
    return ["", *(clean_line(f"  warned     {line}") for line in (*told[:_WARNINGS], *more))] if told else []


def _next(run: Run, failure: Failure) -> list[str]:
    refused = any(step.verdict is not None and not step.verdict.passed for step in run.steps)
    if refused or failure.reason in _LASTING:
        changed = f"  next       change the spec or its data, then: {_run_again(run)}"
        waited = (
            f"  or         tunewright retry {run.id}   (goes on from the last checkpoint, once more memory is free)"
        )
        return [changed, waited] if failure.reason == "OUT_OF_MEMORY" else [changed]
    trained = any(step.step == failure.step and step.verb == "train" for step in run.steps)
    how = "goes on from the last checkpoint" if trained else "what is finished is reused"
    return [f"  next       tunewright retry {run.id}   ({how})"]


def _run_again(run: Run) -> str:
    """Return the command, as it can be pasted into a shell whatever somebody has called their spec."""
    return clean_line(f"tunewright run {shlex.quote(run.spec_path or run.spec_name)}")


def _live(run: Run, plan: Mapping[str, Any], progress: RunProgress) -> list[str]:
    parameters = _parameters(plan)
    lines: list[str] = []
    for step in run.steps:
        if not step.address:
            continue
        own = parameters.get(step.step, {})
        question = own.get("smoke_prompt") or _QUESTION
        curl = curl_line(step.address, own.get("served_model_name") or run.spec_name, question)
        lines += [
            "",
            f"  live       {clean_line(step.address)}   (tunewright stop {run.spec_name}-{step.step} ends it)",
            f"  try it     {clean_line(curl)}",
        ]
        sample = progress.of(step.step).sample
        if sample is not None:
            lines.append(f"  it said    {shorten(clean_line(sample[1].strip()), _REPLY_WIDTH)}")
    return lines


def _told(name: str, value: Any) -> str:
    if isinstance(value, str):
        return f"{_label(name)} {value}"
    if name.endswith("_bytes"):
        return f"{_label(name.removesuffix('_bytes'))} {size(value)}"
    if name.endswith("_seconds"):
        return f"{_label(name.removesuffix('_seconds'))} {duration(value)}"
    return f"{_label(name)} {figure(value)}"


def _label(name: str) -> str:
    return name.replace("_", " ")


def _is_shown(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value == value
