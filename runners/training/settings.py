"""The parameters of `train.trl` as typed values. Standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.watch_settings import POLICIES, SIGNALS, Watch
from tunewright.spec.determinism import RECORDED
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS

STRATEGIES = ("single", "ddp", "zero1", "zero2", "zero3", "fsdp2")

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """What is trained, by the words of spec/tuners.py; `options` are the type's own further keys."""

    type: str
    rank: int = 0
    alpha: float = 0
    dropout: float = 0.0
    target_modules: str | list[str] = "all-linear"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def makes_adapter(self) -> bool:
        """Say whether the result is an adapter, not a whole model."""
        return TUNERS[self.type].makes_adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallelism:
    """How the work is divided among processes; `data_parallel`: so many of them read different rows (None: all).

    `data_parallel_replicate`: copies of the model, each in shards of its own; `context_parallel`: processes that share
    each sequence.
    """

    strategy: str
    processes: int
    offload_optimizer: str = "none"
    offload_parameters: str = "none"
    data_parallel_replicate: int = 1
    context_parallel: int = 1
    data_parallel: int | None = None

    @property
    def uses_deepspeed(self) -> bool:
        """Say whether DeepSpeed owns the optimizer step."""
        return self.strategy.startswith("zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """One named data set: its format, how often its rows are seen, and how many are taken at most.

    `images` is the digest of those that rows name, or `prepared` where the step before has bound them.
    `columns` maps the format's columns to the rows' own, `replace` texts to others, `prompt_template` makes texts of
    instruction rows; `subset` and `split` are what was fetched from a hub.
    """

    format: str
    weight: float = 1.0
    limit: int | None = None
    images: str | None = None
    columns: Mapping[str, str] | None = None
    replace: Mapping[str, str] | None = None
    prompt_template: str | None = None
    subset: str | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Every parameter of a training step; the compiler has resolved all defaults. `options` are the method's own.

    `continued` is there where the step goes on from a checkpoint of a run with other settings: `checkpoint_step`, and
    what was `changed`, each `from` and `to`. `families` are those of the models that packages know.
    """

    method: str
    tuner: Tuner
    learning_rate: float
    lr_scheduler_type: str
    warmup_ratio: float
    num_train_epochs: float
    max_steps: int | None
    per_device_train_batch_size: int
    gradient_accumulation_steps: int
    max_length: int
    packing: bool
    loss_on: str
    weight_decay: float
    max_grad_norm: float
    optim: str
    seed: int
    precision: str
    gradient_checkpointing: bool
    attention: str
    kernels: str
    train_sampling_strategy: str
    logging_steps: int
    save_steps: int | None
    save_total_limit: int | None
    watch: Watch
    parallelism: Parallelism
    device: str
    threads: int
    data: Mapping[str, DataSet]
    evaluation_share: float = 0
    determinism: str = RECORDED
    system_prompt: str | None = None
    truncation: str = "end"
    tokenize: str = "inside"
    mix: str = "concat"
    warmup_steps: int | None = None
    min_lr_rate: float | None = None
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    neftune_noise_alpha: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    report_to: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    continued: Mapping[str, Any] | None = None
    families: Sequence[str] = ()

    @staticmethod
    def from_parameters(parameters: Mapping[str, Any], strategies: Sequence[str] = STRATEGIES) -> "TrainSettings":
        """Read the parameters of step.json; raise StepFailedError where one is missing or unknown to this runner."""
        values = dict(parameters)
        try:
            values["tuner"] = _part(Tuner, values["tuner"])
            values["watch"] = _part(Watch, values["watch"])
            values["parallelism"] = _part(Parallelism, values["parallelism"])
            values["data"] = {name: _part(DataSet, item) for name, item in values["data"].items()}
        except KeyError as error:
            raise _not_understood(f"the parameter {error} is missing") from error
        settings = _part(TrainSettings, values)
        for value, known, name in (
            (settings.method, METHODS, "method"),
            (settings.tuner.type, TUNERS, "tuner.type"),
            (settings.parallelism.strategy, strategies, "parallelism.strategy"),
            *((settings.watch.policy(signal), POLICIES, f"watch.{signal}") for signal in SIGNALS),
        ):
            if value not in known:
                raise _not_understood(f"`{name}` is `{value}`; this runner knows {', '.join(known)}")
        return settings


def _part(kind: type[_Part], values: Mapping[str, Any]) -> _Part:
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(known)):
        raise _not_understood(f"unknown parameter `{unknown[0]}`")
    required = {name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING}
    if missing := sorted(required - set(values)):
        raise _not_understood(f"the parameter `{missing[0]}` is missing")
    return kind(**values)


def _not_understood(message: str) -> StepFailedError:
    return StepFailedError(
        message,
        reason="PARAMETERS_NOT_UNDERSTOOD",
        help="the plan was made by another version; plan again",
        code=ExitCode.NOT_UNDERSTOOD,
    )
