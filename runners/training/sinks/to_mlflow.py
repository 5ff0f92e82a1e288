"""MLflow: a tracking server, or a folder in its own form."""

import os
from collections.abc import Mapping
from typing import Any

from tunewright.runners.training.sinks.sink import Context, Sink


class Mlflow:
    """Logs into one run of a tracking server."""

    def __init__(self, client: Any, run: str) -> None:
        self._client, self._run = client, run

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Send figures."""
        for name, value in values.items():
            self._client.log_metric(self._run, name.replace("/", "."), value, step=step)

    def close(self, *, succeeded: bool) -> None:
        """End the run."""
        self._client.set_terminated(self._run, "FINISHED" if succeeded else "FAILED")


def open_sink(context: Context) -> Sink:
    """Start a run of the experiment, or go on with the one that an attempt before this one has started."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # A folder is the simplest server there is; MLflow wants to be told that one is meant.
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    if context.token is not None:
        os.environ["MLFLOW_TRACKING_TOKEN"] = context.token
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=context.settings["address"])
    known = context.folder / "run"
    if known.is_file():
        return Mlflow(client, known.read_text(encoding="ascii"))
    name = context.settings["experiment"]
    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found else client.create_experiment(name)
    step = context.step
    run = client.create_run(experiment, run_name=f"{step.step} {step.run}", tags={"tunewright.run": step.run})
    for key, value in step.parameters.items():
        if isinstance(value, str | int | float | bool):
            client.log_param(run.info.run_id, key, value)
    known.write_text(run.info.run_id, encoding="ascii")
    return Mlflow(client, run.info.run_id)
