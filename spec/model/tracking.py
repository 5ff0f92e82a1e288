"""`report_to`: where the figures of a training are written beside the run's own log."""

from typing import Literal

from tunewright.spec.model.section import Section


class Mlflow(Section):
    """An MLflow tracking server."""

    address: str
    """Where it is: `https://mlflow.example.com`, or `file:/some/folder`."""

    experiment: str | None = None
    """The experiment; the spec's name when not written."""

    token: str | None = None
    """Access token, as a reference: `${secret:NAME}`."""


class Wandb(Section):
    """Weights & Biases."""

    project: str | None = None
    """The project; the spec's name when not written."""

    entity: str | None = None
    """The team or user."""

    mode: Literal["online", "offline"] | None = None
    """`offline`: into a folder that `wandb sync` sends later."""

    address: str | None = None
    """A server of one's own, such as `https://wandb.example.com`."""

    token: str | None = None
    """API key, as a reference: `${secret:NAME}`."""


class ReportTo(Section):
    """Where figures go. Nothing is sent anywhere unless `mlflow` or `wandb` is written."""

    tensorboard: bool | None = None
    """Write TensorBoard's event files into the step's work folder."""

    mlflow: Mlflow | None = None
    """Send them to an MLflow server, or write its folder."""

    wandb: Wandb | None = None
    """Send them to Weights & Biases, or write its folder."""
