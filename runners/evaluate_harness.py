"""Runner of `evaluate.harness`: public benchmarks by lm-eval on local data, in a child without a network."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import ExitCode, StepFile
from tunewright.runners.evaluation import results
from tunewright.runners.evaluation.benchmarks import BENCHMARKS, HarnessTask, write_tasks
from tunewright.runners.evaluation.results import Measure
from tunewright.runners.model_loading import PRECISIONS
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main

MANIFEST = Manifest(
    name="evaluate_harness",
    version="1",
    kinds=("evaluate.harness",),
    capabilities=tuple(BENCHMARKS),
    environment="harness",
    packages=("lm_eval", "torch", "transformers", "peft"),
)

_TICK_SECONDS = 0.2
_HEARTBEAT_SECONDS = 15.0
_STOP_SECONDS = 5.0

_PROGRESS = re.compile(r"Running \w+ requests:[^\r\n]*?(\d+)/(\d+)")

Tasks = Mapping[str, Sequence[HarnessTask]]


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Write the tasks, let lm-eval answer them, map its results to metrics.json and samples.jsonl in outputs/."""
    report.phase("checking benchmarks")
    harness = _harness_folder()
    folder, answers = bundle / contract.WORK / "tasks", bundle / contract.WORK / "answers"
    folder.mkdir(exist_ok=True)
    tasks = {}
    for name, settings in sorted(step.parameters["tasks"].items()):
        data = Path(step.inputs[f"task.{name}"].path)
        tasks[name] = write_tasks(name, settings["task"], settings["limit"], data, harness, folder)
    report.phase("running lm-eval")
    _run(_arguments(step, tasks, folder, answers), step, bundle, report)
    document = _read_results(answers)
    measures = {name: _measures(step, name, tasks[name], document) for name in tasks}
    outputs = bundle / contract.OUTPUTS
    outputs.mkdir(exist_ok=True)
    for name, measured in measures.items():
        results.report_measures(report, name, measured)
    results.write_metrics(outputs, measures, {name: measures[name]["accuracy"].rows for name in tasks})
    results.write_samples(outputs, _samples(answers, tasks))
    report.emit("artifact", role="evaluation", path=contract.OUTPUTS)
    report.summary(**{f"{name}.accuracy": round(measured["accuracy"].value, 6) for name, measured in measures.items()})


def _harness_folder() -> Path:
    found = find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        raise StepFailedError(
            "lm-eval is not installed in this environment",
            reason="PACKAGE_MISSING",
            help="run `tunewright env sync harness`",
            code=ExitCode.UNAVAILABLE,
        )
    return Path(found.submodule_search_locations[0])


def _arguments(step: StepFile, tasks: Tasks, folder: Path, answers: Path) -> list[str]:
    parameters = step.parameters
    model = [f"pretrained={step.inputs['model'].path}", f"dtype={PRECISIONS[parameters['precision']]}"]
    if "adapter" in step.inputs:
        model.append(f"peft={step.inputs['adapter'].path}")
    arguments = ["run", "--model", "hf", "--model_args", *model, "--include_path", str(folder)]
    arguments += ["--tasks", *(task.name for group in tasks.values() for task in group)]
    arguments += ["--device", parameters["device"], "--batch_size", str(parameters["batch_size"])]
    arguments += ["--seed", str(parameters["seed"]), "--output_path", str(answers), "--log_samples"]
    if parameters.get("num_fewshot") is not None:
        arguments += ["--num_fewshot", str(parameters["num_fewshot"])]
    if parameters.get("apply_chat_template"):
        arguments.append("--apply_chat_template")
    return arguments


def _run(arguments: list[str], step: StepFile, bundle: Path, report: Reporter) -> None:
    """Run lm-eval to its end; a cancelled step stops it, a failed one says its last line."""
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"), "1")
    scratch = {"HF_HOME": str(bundle / contract.WORK / "cache"), "OMP_NUM_THREADS": str(step.parameters["threads"])}
    log = bundle / contract.WORK / "lm_eval.log"
    with log.open("wb") as stream:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lm_eval", *arguments],
            env={**os.environ, **offline, **scratch, "OMP_WAIT_POLICY": "PASSIVE"},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            _watch(child, log, report)
        finally:
            _stop(child)
    if child.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace").strip()
        sys.stderr.write(text[-8000:] + "\n")
        raise StepFailedError(
            f"lm-eval failed: {text.splitlines()[-1][:500] if text else f'exit code {child.returncode}'}",
            reason="HARNESS_FAILED",
            help="the step's log has what lm-eval printed",
        )


def _watch(child: "subprocess.Popen[bytes]", log: Path, report: Reporter) -> None:
    beat, seen = time.monotonic(), None
    while child.poll() is None:
        report.check_cancelled()
        found = _PROGRESS.findall(log.read_text(encoding="utf-8", errors="replace"))
        if found and found[-1] != seen:
            seen = found[-1]
            report.progress(int(seen[0]), int(seen[1]), "requests")
        if time.monotonic() - beat >= _HEARTBEAT_SECONDS:
            beat = time.monotonic()
            report.emit("heartbeat")
        time.sleep(_TICK_SECONDS)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _read_results(answers: Path) -> Mapping[str, Any]:
    files = sorted(answers.rglob("results_*.json"))
    if not files:
        raise StepFailedError("lm-eval left no results", reason="HARNESS_FAILED", help="see the step's log")
    document: Mapping[str, Any] = json.loads(files[-1].read_text(encoding="utf-8"))
    return document


def _measures(
    step: StepFile, name: str, tasks: Sequence[HarnessTask], document: Mapping[str, Any]
) -> dict[str, Measure]:
    """Return `accuracy` over all rows of a benchmark, all other metrics of lm-eval, and accuracy a subject."""
    headline = BENCHMARKS[step.parameters["tasks"][name]["task"]].headline
    scored = {task: document["results"][task.name] for task in tasks}
    rows = {task: int(document["n-samples"][task.name]["effective"]) for task in tasks}
    metrics = {key for figures in scored.values() for key in figures if "," in key and "_stderr" not in key}
    measures = {}
    for key in sorted(metrics):
        own = "accuracy" if key == headline else key.removesuffix(",none").replace(",", "_").replace("-", "_")
        measures[own] = _pooled([(scored[task][key], _error(scored[task], key), rows[task]) for task in tasks])
    for task in tasks if len(tasks) > 1 else ():
        figures = scored[task]
        error = _error(figures, headline)
        measures[f"accuracy_{task.subject}"] = Measure(value=figures[headline], error=error, rows=rows[task])
    return measures


def _error(figures: Mapping[str, Any], key: str) -> float | None:
    metric, _, name = key.partition(",")
    error = figures.get(f"{metric}_stderr,{name}")
    return float(error) if isinstance(error, int | float) and math.isfinite(error) else None


def _pooled(parts: Sequence[tuple[float, float | None, int]]) -> Measure:
    """Return the mean over all rows of independent parts, with its standard error when every part has one."""
    rows = sum(count for _, _, count in parts)
    value = sum(mean * count for mean, _, count in parts) / rows
    if any(error is None for _, error, _ in parts):
        return Measure(value=value, rows=rows)
    spread = sum(((error or 0.0) * count / rows) ** 2 for _, error, count in parts)
    return Measure(value=value, error=math.sqrt(spread), rows=rows)


def _samples(answers: Path, tasks: Tasks) -> list[dict[str, Any]]:
    rows = []
    for suite, group in tasks.items():
        for task in group:
            for path in sorted(answers.rglob(f"samples_{task.name}_2*.jsonl")):
                for line in path.read_text(encoding="utf-8").splitlines():
                    rows.append(_sample(suite, task, json.loads(line)))
    return rows


def _sample(suite: str, task: HarnessTask, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of lm-eval's rows in the shape of our own suites, with its hashes for the record."""
    return {
        "suite": suite,
        "id": f"{task.subject}:{row['doc_id']}" if task.subject else str(row["doc_id"]),
        "prompt": row["arguments"]["gen_args_0"]["arg_0"],
        "reply": row["filtered_resps"],
        "expected": row["target"],
        "scores": {name: row[name] for name in row.get("metrics", ()) if isinstance(row.get(name), int | float)},
        "filter": row.get("filter"),
        "hashes": {name: row[name] for name in ("doc_hash", "prompt_hash", "target_hash") if name in row},
    }


if __name__ == "__main__":
    main(manifest=MANIFEST, work=work)
