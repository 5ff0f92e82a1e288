"""The ResolvedSpec: what the spec means. Every default is explicit, every value can say where it came from."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from tunewright.compiler.ir.plan import Estimate, StepResources
from tunewright.spec.record import record
from tunewright.spec.tuners import TUNERS


class Origin(StrEnum):
    """Why a value is what it is."""

    WRITTEN = "written"
    DEFAULT = "default"
    DERIVED = "derived"
    POLICY = "policy"


@record
class Provenance:
    """Where a value came from: `text` is a place (`life.yaml:12:5`), the name of a default, or the reason it follows
    from.
    """

    origin: Origin
    text: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.text}"


@record(kw_only=True)
class ResolvedTuner:
    """Which weights learn. What is not in the type's `form` is zero or empty; `target_modules` is `("all-linear",)` or
    layer names. `options` are the type's own further keys (spec/tuners.py).
    """

    type: str
    rank: int = 0
    alpha: float = 0.0
    dropout: float = 0.0
    target_modules: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def is_adapter(self) -> bool:
        """True when the base stays as it is and the result lies beside it."""
        return TUNERS[self.type].makes_adapter

    @property
    def is_low_rank(self) -> bool:
        """True when it is LoRA's two matrices beside frozen layers."""
        return TUNERS[self.type].low_rank

    @property
    def result(self) -> "ResolvedTuner":
        """The adapter that it leaves, as a step that goes on from it finds it."""
        table = TUNERS[self.type]
        if not table.leaves:
            return self
        left = TUNERS[table.leaves]
        return ResolvedTuner(
            type=table.leaves,
            rank=self.rank * table.leaves_ranks,
            alpha=self.alpha * table.leaves_ranks,
            dropout=self.dropout,
            target_modules=self.target_modules,
            options={key: self.options.get(key, default) for key, default in left.options.items()},
        )


@record(kw_only=True)
class Alternative:
    """A strategy that `auto` looked at and did not take."""

    strategy: str
    reason: str


@record(kw_only=True)
class ResolvedParallelism:
    """How the work is spread. `strategy` is `auto` until `choose_parallelism` has run. `processes` counts over all
    nodes.
    """

    strategy: str = "auto"
    processes: int = 0
    nodes: int = 1
    offload_optimizer: str = "none"
    offload_parameters: str = "none"
    nvme_path: str | None = None
    data_parallel_replicate: int = 1
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    virtual_pipeline_parallel: int = 1
    context_parallel: int = 1
    expert_parallel: int = 1
    sequence_parallel: bool = False
    reason: str = ""
    alternatives: tuple[Alternative, ...] = ()

    @property
    def processes_per_node(self) -> int:
        """Processes on one machine."""
        return max(1, self.processes // self.nodes)

    @property
    def offloads(self) -> frozenset[str]:
        """Where optimizer state or parameters are kept instead of on the device: `cpu`, `nvme`."""
        return frozenset({self.offload_optimizer, self.offload_parameters}) - {"none"}

    @property
    def shards(self) -> int:
        """Processes among which the model's states are divided; those that share a sequence divide them too."""
        if self.strategy == "megatron":
            return self.data_parallel
        return max(1, self.processes // self.data_parallel_replicate)

    @property
    def data_parallel(self) -> int:
        """Replicas (or shards) of the data: processes not used by model parallelism."""
        return max(1, self.processes // (self.tensor_parallel * self.pipeline_parallel * self.context_parallel))


@record(kw_only=True)
class ResolvedWatch:
    """What a training step is watched for; the words are those of the spec's `watch` section.

    The values here are the defaults: NaN stops, all else warns, so that nothing healthy is disturbed.
    """

    not_finite: str = "stop"
    loss_spike: str = "warn"
    loss_spike_threshold: float = 10.0
    gradient_explosion: str = "warn"
    gradient_explosion_factor: float = 30.0
    window: int = 128
    warm_up: int = 40
    zero_gradient: str = "warn"
    zero_gradient_steps: int = 20
    stalled_step: str = "warn"
    stalled_step_factor: float = 20.0
    stalled_step_at_least_seconds: float = 60.0
    stalled_step_limit_seconds: float | None = None
    reward_collapse: str = "warn"
    reward_collapse_reports: int = 20
    memory: str = "warn"
    host_memory_share: float = 0.95
    device_memory_share: float = 0.97
    rollbacks: int = 2
    rollback_learning_rate_factor: float = 0.5

    @property
    def rolls_back(self) -> tuple[str, ...]:
        """The signals after which the step goes back to its last checkpoint."""
        signals = ("not_finite", "loss_spike", "gradient_explosion", "zero_gradient", "reward_collapse")
        return tuple(name for name in signals if getattr(self, name) == "rollback_and_continue")


@record(kw_only=True)
class ResolvedTrain:
    """A training step; lengths in tokens, `precision` one of bf16, fp16, fp32, `device` cpu, cuda, npu or mps.

    `options` are the method's own keys (spec/methods.py); `report_to` maps each sink to its settings.
    """

    method: str
    from_step: str | None
    data: tuple[str, ...]
    tuner: ResolvedTuner
    learning_rate: float
    lr_scheduler_type: str
    warmup_ratio: float
    warmup_steps: int | None = None
    min_lr_rate: float | None = None
    num_train_epochs: float
    max_steps: int | None
    per_device_train_batch_size: int
    gradient_accumulation_steps: int
    max_length: int
    truncation: str = "end"
    tokenize: str = "inside"
    mix: str = "concat"
    packing: bool
    loss_on: str
    options: Mapping[str, object] = field(hash=False)
    weight_decay: float
    max_grad_norm: float
    optim: str
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    neftune_noise_alpha: float | None = None
    seed: int
    determinism: str
    precision: str
    gradient_checkpointing: bool
    attention: str
    kernels: str
    train_sampling_strategy: str
    system_prompt: str | None
    evaluation_share: float
    logging_steps: int
    save_steps: int
    save_total_limit: int
    watch: ResolvedWatch = field(default_factory=ResolvedWatch)
    report_to: Mapping[str, Mapping[str, object]] = field(default_factory=dict, hash=False)
    parallelism: ResolvedParallelism
    device: str
    threads: int

    @property
    def global_batch_size(self) -> int:
        """Rows of one optimizer step over all processes."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps * self.parallelism.data_parallel


@record(kw_only=True)
class ResolvedRunner:
    """A runner of another package and its settings."""

    name: str
    options: Mapping[str, str | int | float | bool]


@record(kw_only=True)
class ResolvedEvaluate:
    """An evaluation step."""

    model: str
    suites: tuple[str, ...]
    limit: int | None
    max_new_tokens: int
    temperature: float
    batch_size: int
    system_prompt: str | None
    seed: int
    precision: str
    device: str
    threads: int
    runner: ResolvedRunner | None = None


@record(kw_only=True)
class ResolvedGate:
    """A gate."""

    require: tuple[str, ...]
    on_fail: str


@record(kw_only=True)
class ResolvedApprove:
    """A sign-off by people."""

    role: str
    approvers: int
    expires_seconds: float | None


@record(kw_only=True)
class ResolvedQuantize:
    """Fewer bits a weight; `group_size` 0 where the method has none."""

    method: str
    bits: int
    group_size: int


@record(kw_only=True)
class ResolvedExport:
    """An export step."""

    model: str
    merge: bool
    quantize: ResolvedQuantize | None
    calibration: str | None
    perplexity_increase: float | None
    precision: str
    device: str
    threads: int
    runner: ResolvedRunner | None = None


@record(kw_only=True)
class ResolvedSupervision:
    """How a service is kept alive; times in seconds."""

    interval_seconds: float
    timeout_seconds: float
    failures: int
    restarts: int
    pause_seconds: float
    stable_seconds: float
    drain_seconds: float


@record(kw_only=True)
class ResolvedDeploy:
    """A service; times in seconds."""

    model: str
    engine: str
    host: str
    port: int
    served_model_name: str
    max_model_len: int
    max_new_tokens: int
    tensor_parallel: int
    gpu_memory_share: float
    replicas: tuple[int, int]
    canary_steps: tuple[int, ...]
    canary_hold_seconds: float
    rollback_on: tuple[str, ...]
    p95_latency_seconds: float | None
    supervision: ResolvedSupervision
    system_prompt: str | None
    api_key: str | None
    smoke_prompt: str | None
    precision: str
    device: str
    threads: int


Body = ResolvedTrain | ResolvedEvaluate | ResolvedGate | ResolvedApprove | ResolvedExport | ResolvedDeploy


@record(kw_only=True)
class ResolvedStep:
    """One step: its verb, what it means, what must be done before it."""

    name: str
    verb: str
    body: Body
    needs: tuple[str, ...]
    timeout_seconds: float | None
    retries: int
    resources: StepResources | None = None
    estimate: Estimate = field(default_factory=Estimate)


@record(kw_only=True)
class ModelState:
    """What a step's model consists of: `model` is the step that made the full weights (None: the base as it is),
    `adapter` the step on top.
    """

    model: str | None = None
    adapter: str | None = None
    quantized: bool = False


@record(kw_only=True)
class ResolvedAlert:
    """One rule of `alerts`: exactly one of `events`, `when` and `queued_seconds`."""

    to: tuple[str, ...]
    severity: str
    events: tuple[str, ...]
    when: str | None
    queued_seconds: float | None


@record(kw_only=True)
class ResolvedSpec:
    """Everything the spec means. `provenance` is keyed by spec path (`steps.align.train.beta`)."""

    name: str
    seed: int
    steps: tuple[ResolvedStep, ...]
    models: Mapping[str, ModelState]
    provenance: Mapping[str, Provenance]
    alerts: tuple[ResolvedAlert, ...] = ()
    #: The provenance of steps by step and verb, filled when it is first asked for: passes make several of these.
    _by_section: dict[tuple[str, str], dict[str, Provenance]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def provenance_inside(self, step: str, verb: str) -> Mapping[str, Provenance]:
        """Return the provenance of a step's values, keyed by their path inside the verb."""
        if not self._by_section:
            for path, provenance in self.provenance.items():
                section, name, key, inside = (*path.split(".", 3), "", "", "")[:4]
                if section == "steps" and inside:
                    self._by_section.setdefault((name, key), {})[inside] = provenance
        return self._by_section.get((step, verb), {})

    def step(self, name: str) -> ResolvedStep | None:
        """Return a step by name."""
        return next((step for step in self.steps if step.name == name), None)

    def trains(self) -> tuple[tuple[ResolvedStep, ResolvedTrain], ...]:
        """Return the training steps with their bodies."""
        return tuple((step, step.body) for step in self.steps if isinstance(step.body, ResolvedTrain))
