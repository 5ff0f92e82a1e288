"""Write deploy/grafana/tunewright.json: the dashboard as rows of panels, each with what it asks Prometheus.

A row is a title and its panels; widths of a row's panels fill the page. `$project` and `$interval` are the page's.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARD = Path(__file__).parents[1] / "deploy" / "grafana" / "tunewright.json"
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_PAGE_WIDTH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel; `queries` are PromQL with what a line is called, `unit` is Grafana's."""

    title: str
    queries: Sequence[tuple[str, str]]
    about: str
    unit: str = "short"
    kind: str = "timeseries"
    highest: float | None = None
    alarm: float | None = None

    @property
    def height(self) -> int:
        """Return the rows of the page's grid that it takes."""
        return 4 if self.kind == "stat" else 8


def stat(title: str, query: str, about: str, *, unit: str = "short", alarm: float | None = None) -> Panel:
    """Return one large number, red from `alarm` on."""
    return Panel(title=title, queries=((query, ""),), about=about, unit=unit, kind="stat", alarm=alarm)


def quantile(share: float, metric: str, by: str, where: str = "") -> str:
    """Return the query for a quantile of a histogram."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{where}[$interval])))"


def requests(where: str) -> str:
    """Return the query for requests of users a second."""
    return f"sum by (deployment) (rate(tunewright_deployment_requests_total{where}[$interval]))"


def per_second(part: str) -> str:
    """Return the query for commits (`_count`) or changes (`_sum`) a second."""
    return f"rate(tunewright_store_commit_operations{part}[$interval])"


_OF = '{project=~"$project"}'
_FAILED = '{code="5xx", project=~"$project"}'
_TRAINING = "{{run}} {{step}}"
_DEVICE = "{{instance}} device {{device}}"

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Now",
        (
            stat(
                "Runs going on",
                'sum(tunewright_runs{state="running", project=~"$project"}) or vector(0)',
                "Runs with work to do.",
            ),
            stat("Waiting", f"sum(tunewright_queue_length{_OF})", "Runs that have not begun."),
            stat(
                "Longest wait",
                f"max(tunewright_queue_oldest_wait_seconds{_OF})",
                "For how long the oldest of them waits.",
                unit="s",
                alarm=6 * 3600,
            ),
            stat("Services", f"sum(tunewright_deployment_up{_OF}) or vector(0)", "Deployments that answer."),
            stat(
                "Failed steps",
                'sum(increase(tunewright_step_duration_seconds_count{state="failed"}[$__range])) or vector(0)',
                "Steps that failed in the time shown.",
                alarm=1,
            ),
            stat(
                "Room at home",
                "min(tunewright_home_disk_free_bytes / tunewright_home_disk_size_bytes)",
                "Free share of the disk that holds store, bundles and artifacts.",
                unit="percentunit",
            ),
        ),
    ),
    (
        "Work",
        (
            Panel(
                title="Runs by state",
                queries=(
                    (
                        'sum by (state) (tunewright_runs{state!~"succeeded|failed|cancelled", project=~"$project"})',
                        "{{state}}",
                    ),
                ),
                about="Runs that have not ended.",
            ),
            Panel(
                title="Queue by project",
                queries=((f"sum by (project) (tunewright_queue_steps{_OF})", "{{project}}"),),
                about="Steps that could begin and wait for room on the machine.",
            ),
            Panel(
                title="How attempts end",
                queries=(("sum by (outcome) (increase(tunewright_attempts_total[$interval]))", "{{outcome}}"),),
                about="Attempts that ended in each interval, by outcome.",
            ),
            Panel(
                title="How long steps take",
                queries=((quantile(0.5, "tunewright_step_duration_seconds", "kind"), "{{kind}}"),),
                about="The median by kind, of steps that ended in each interval.",
                unit="s",
            ),
        ),
    ),
    (
        "Training",
        (
            Panel(
                title="Loss",
                queries=((f"tunewright_training_loss{_OF}", _TRAINING),),
                about="Of trainings that run now; an ended one leaves the page.",
            ),
            Panel(
                title="Speed",
                queries=((f"tunewright_training_tokens_per_second{_OF}", _TRAINING),),
                about="Tokens trained on a second.",
            ),
            Panel(title="Updates", queries=((f"tunewright_training_step{_OF}", _TRAINING),), about="Updates done."),
            Panel(
                title="Gradient",
                queries=((f"tunewright_training_gradient_norm{_OF}", _TRAINING),),
                about="The norm of the newest update's gradient.",
            ),
        ),
    ),
    (
        "Accelerators",
        (
            Panel(
                title="Utilization",
                queries=(("tunewright_accelerator_utilization_ratio", _DEVICE),),
                about="Share of time in which a device computed.",
                unit="percentunit",
                highest=1,
            ),
            Panel(
                title="Memory",
                queries=(("tunewright_accelerator_memory_used_bytes / tunewright_accelerator_memory_bytes", _DEVICE),),
                about="Share of a device's memory that is in use.",
                unit="percentunit",
                highest=1,
            ),
            Panel(
                title="Temperature",
                queries=(("tunewright_accelerator_temperature_celsius", _DEVICE),),
                about="Devices slow down near their limit.",
                unit="celsius",
                alarm=85,
            ),
            Panel(
                title="Out of use",
                queries=(
                    (
                        'sum by (instance, state) (tunewright_accelerator_state{state!="free"})',
                        "{{instance}} {{state}}",
                    ),
                ),
                about="Devices that can't be leased, by why.",
            ),
        ),
    ),
    (
        "Services",
        (
            Panel(
                title="Answers",
                queries=((f"tunewright_deployment_up{_OF}", "{{deployment}}"),),
                about="1 where a deployment answered the daemon's last question.",
                highest=1,
            ),
            Panel(
                title="Requests",
                queries=(
                    (
                        f"sum by (deployment, code) (rate(tunewright_deployment_requests_total{_OF}[$interval]))",
                        "{{deployment}} {{code}}",
                    ),
                ),
                about="Requests of users a second, as the engine counts them.",
                unit="reqps",
            ),
            Panel(
                title="Failing requests",
                queries=((f"{requests(_FAILED)} / {requests(_OF)}", "{{deployment}}"),),
                about="Share of requests that the engine could not answer.",
                unit="percentunit",
                alarm=0.05,
            ),
            Panel(
                title="Time to the whole answer",
                queries=(
                    (quantile(0.5, "tunewright_deployment_request_seconds", "deployment", _OF), "{{deployment}} half"),
                    (quantile(0.95, "tunewright_deployment_request_seconds", "deployment", _OF), "{{deployment}} 95 %"),
                ),
                about="From request to the end of the answer, as the engine counts.",
                unit="s",
            ),
        ),
    ),
    (
        "Daemon",
        (
            Panel(
                title="Calls",
                queries=(("sum by (code) (rate(tunewright_grpc_calls_total[$interval]))", "{{code}}"),),
                about="Calls that ended, a second, by status.",
                unit="reqps",
            ),
            Panel(
                title="Slowest calls",
                queries=((f"topk(5, {quantile(0.95, 'tunewright_grpc_call_seconds', 'method')})", "{{method}}"),),
                about="The five methods that take longest, 95 % of their calls.",
                unit="s",
            ),
            Panel(
                title="Commits",
                queries=(
                    (quantile(0.5, "tunewright_store_commit_seconds", "instance"), "{{instance}} half"),
                    (quantile(0.99, "tunewright_store_commit_seconds", "instance"), "{{instance}} 99 %"),
                ),
                about="How long it takes until a change is on the disk.",
                unit="s",
            ),
            Panel(
                title="Changes in a commit",
                queries=((f"{per_second('_sum')} / {per_second('_count')}", "{{instance}}"),),
                about="Changes that became durable together; it grows where many wait for the disk.",
            ),
        ),
    ),
    (
        "Daemon's health",
        (
            Panel(
                title="Watchers",
                queries=(
                    ("tunewright_watchers", "{{instance}} watchers"),
                    ("tunewright_event_lag_seconds", "{{instance}} seconds behind"),
                ),
                about="Streams that follow runs, and for how long the slowest has not taken what is ready.",
            ),
            Panel(
                title="Kept out",
                queries=(("sum by (reason) (increase(tunewright_access_denials_total[$interval]))", "{{reason}}"),),
                about="Callers who were refused, by reason.",
            ),
            Panel(
                title="Stores",
                queries=(
                    ("tunewright_store_size_bytes", "{{instance}} {{store}}"),
                    ("tunewright_store_wal_size_bytes", "{{instance}} {{store}} log"),
                ),
                about="Sizes of the stores and their write-ahead logs.",
                unit="bytes",
            ),
            Panel(
                title="Memory of the daemon",
                queries=(('process_resident_memory_bytes{job="tunewright"}', "{{instance}}"),),
                about="What the daemon itself takes; runners are not counted.",
                unit="bytes",
            ),
        ),
    ),
)


def drawn(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    """Return a panel as Grafana keeps it."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.alarm is not None:
        steps.append({"color": "red", "value": panel.alarm})
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.highest is not None:
        defaults["max"] = panel.highest
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }


def panels() -> Iterator[dict[str, Any]]:
    """Yield rows and panels with their places on the page."""
    number, top = 1, 0
    for title, row in ROWS:
        place = {"x": 0, "y": top, "w": _PAGE_WIDTH, "h": 1}
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
        number, top = number + 1, top + 1
        width = _PAGE_WIDTH // len(row)
        for index, panel in enumerate(row):
            yield drawn(panel, number, {"x": index * width, "y": top, "w": width, "h": panel.height})
            number += 1
        top += max(panel.height for panel in row)


def variables() -> list[dict[str, Any]]:
    """Return what a reader chooses."""
    projects = {
        "name": "project",
        "label": "Project",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(tunewright_runs, project)", "refId": "projects"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
    interval = {
        "name": "interval",
        "label": "Interval",
        "type": "interval",
        "query": "1m,5m,15m,1h,6h",
        "current": {"text": "5m", "value": "5m"},
        "auto": False,
    }
    return [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}, projects, interval]


def dashboard_text() -> str:
    """Return the file."""
    value = {
        "title": "Tunewright",
        "uid": "tunewright",
        "description": "Runs, trainings, accelerators, services and the daemon itself. See docs/observing.md.",
        "tags": ["tunewright"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables()},
        "panels": list(panels()),
    }
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write it."""
    DASHBOARD.write_text(dashboard_text(), encoding="utf-8")
    print(DASHBOARD.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
