"""Runs, artifacts and deployments as tables. Times are the user's own."""

from collections.abc import Sequence
from datetime import datetime

from tunewright.client.values import Artifact, Deployment, Garbage, Hold, Run
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean_line
from tunewright.compiler.render.quantities import counted, duration, size
from tunewright.spec.priority import priority_word

_DIGEST = 19


def runs_table(runs: Sequence[Run]) -> str:
    """Return one line a run."""
    rows = [("run", "spec", "state", "priority", "steps", "began", "took", "")]
    for run in runs:
        done = sum(step.state in ("succeeded", "reused") for step in run.steps)
        waits = next((f"{step.step}: {step.waiting.message}" for step in run.steps if step.waiting), "")
        failed = ": ".join(filter(None, (run.failure.step, run.failure.reason))) if run.failure else ""
        note = clean_line(failed or waits)
        rows.append(
            (
                run.id,
                run.spec_name,
                run.state,
                priority_word(run.priority),
                f"{done}/{len(run.steps)}",
                time_text(run.start_time or run.create_time),
                _took(run.start_time, run.end_time),
                note,
            )
        )
    return table(rows, "no runs yet; start one: tunewright run life.yaml")


def artifacts_table(artifacts: Sequence[Artifact]) -> str:
    """Return one line an artifact."""
    rows = [("digest", "role", "size", "spec", "step", "run", "made", "")]
    for item in artifacts:
        note = "" if item.intact else "damaged: its files do not fit the digest"
        rows.append(
            (
                item.digest[:_DIGEST],
                item.role,
                size(item.size_bytes),
                item.spec_name,
                item.step,
                item.run,
                time_text(item.create_time),
                note,
            )
        )
    return table(rows, "no artifacts")


def models_table(models: Sequence[Artifact]) -> str:
    """Return one line a model or adapter, with the folder it lies in."""
    rows = [("model", "role", "size", "made", "digest", "folder")]
    rows += [
        (
            f"{item.spec_name}/{item.step}",
            item.role,
            size(item.size_bytes),
            time_text(item.create_time),
            item.digest[:_DIGEST],
            item.path,
        )
        for item in models
    ]
    return table(rows, "no models yet")


def deployments_table(deployments: Sequence[Deployment]) -> str:
    """Return one line a deployment."""
    rows = [("deployment", "revision", "state", "address", "step", "run", "since", "")]
    for item in deployments:
        note = clean_line(item.failure.message if item.failure else "")
        rows.append(
            (
                item.id,
                str(item.revision),
                item.state,
                item.address,
                item.step,
                item.run,
                time_text(item.create_time),
                note,
            )
        )
    return table(rows, "no deployments")


def stopped_sentence(deployments: Sequence[Deployment]) -> str:
    """Return what was stopped, in one sentence."""
    names = ", ".join(f"{item.id} revision {item.revision}" for item in deployments)
    return f"stopped {counted(len(deployments), 'deployment')}: {names}" if deployments else "nothing to stop"


def garbage_table(garbage: Sequence[Garbage]) -> str:
    """Return one line a thing that goes."""
    rows = [("what", "of", "size", "project", "why nothing keeps it")]
    rows += [(item.kind, _short(item.subject), size(item.size_bytes), item.project, item.reason) for item in garbage]
    return table(rows, "nothing: everything is kept")


def holds_table(holds: Sequence[Hold]) -> str:
    """Return one line a hold."""
    rows = [("held", "since", "by", "why", "")]
    for item in holds:
        over = f"released {time_text(item.release_time)} by {item.released_by}: {item.release_reason}"
        note = clean_line(over) if item.release_time else ""
        row = (_short(item.subject), time_text(item.create_time), item.created_by, clean_line(item.reason), note)
        rows.append(row)
    return table(rows, "nothing is held")


def _short(subject: str) -> str:
    collection, _, identifier = subject.partition("/")
    if collection == "artifacts":
        return f"sha256:{identifier}"[:_DIGEST]
    return identifier.replace("/steps/", " ").replace("/attempts/", " attempt ")


def table(rows: Sequence[tuple[str, ...]], empty: str) -> str:
    """Return rows under their head, or a sentence where there is only the head."""
    if len(rows) == 1:
        return f"{empty}\n"
    return "\n".join(clean_line(line) for line in aligned(rows, indent="")) + "\n"


def time_text(moment: datetime | None) -> str:
    """Return a moment as the user's clock shows it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def _took(begin: datetime | None, end: datetime | None) -> str:
    return duration((end - begin).total_seconds()) if begin and end else ""
