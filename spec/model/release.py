"""`export` and `deploy`: the model as a package, and as a service."""

from typing import Annotated, Literal

from pydantic import Field

from tunewright.spec.model.runner import RunnerChoice
from tunewright.spec.model.section import Count, Duration, Name, Section, Share, Texts

QuantizeMethod = Literal["bnb", "gptq", "awq", "fp8"]
Engine = Literal["embedded", "vllm", "sglang", "lmdeploy"]


class Quantize(Section):
    """Fewer bits a weight."""

    method: QuantizeMethod
    """`bnb`: NF4 without calibration. `gptq`, `awq`: calibrated integers. `fp8`: 8-bit floats."""

    bits: Annotated[int, Field(ge=2, le=8)] | None = None
    """Bits a weight."""

    group_size: Count | None = None
    """Weights that share a scale (gptq, awq)."""


class ExportLimits(Section):
    """How much an export may cost; beyond it the step fails."""

    perplexity_increase: Annotated[float, Field(gt=0)] | None = None
    """Largest relative increase of perplexity (0.05: five per cent)."""


class Export(Section):
    """An export step."""

    model: Name
    """The step whose model is exported, or `base`."""

    merge: bool | None = None
    """Merge adapters into the base."""

    quantize: Quantize | None = None
    """Quantise after merging."""

    calibration: Name | None = None
    """Data set for calibration and for measuring what the export cost."""

    limits: ExportLimits | None = None
    """What the export may cost."""

    runner: RunnerChoice | None = None
    """A runner of another package that makes the package instead of ours: a name (`acme.pack`), or `name` and
    `options`.
    """


class Replicas(Section):
    """How many copies of the service."""

    min: Count
    """Always running."""

    max: Count
    """Most under load."""


class Canary(Section):
    """A new release takes over in steps."""

    steps: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)]
    """Per cent of the traffic, one after the other."""

    hold: Duration
    """How long each step is watched."""

    rollback_on: Texts
    """Conditions that bring the old release back, such as `error_rate > 0.01`."""


class Objectives(Section):
    """What the service promises."""

    p95_latency: Duration | None = None
    """95 of 100 requests are answered within this time."""


class Health(Section):
    """How a live service is asked whether it is well."""

    interval: Duration | None = None
    """Time between two questions."""

    timeout: Duration | None = None
    """Time for an answer; no more than `interval`."""

    failures: Count | None = None
    """Questions without a good answer, one after the other, that mean it is dead."""


class Restart(Section):
    """What happens to a service that ends by itself."""

    limit: Annotated[int, Field(ge=0, le=1000)] | None = None
    """How often in a row it is started again before it is given up; 0: never."""

    pause: Duration | None = None
    """Time before the first start; twice as long before each further one, up to a minute."""

    stable: Duration | None = None
    """Who was live for so long begins to count anew."""


class Deploy(Section):
    """A step that stays: the model behind an OpenAI-compatible endpoint."""

    model: Name
    """The step whose model is served, or `base`."""

    engine: Engine | None = None
    """`embedded` runs everywhere; the others are production engines."""

    host: str | None = None
    """Address to listen on."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port to listen on."""

    served_model_name: str | None = None
    """The name clients ask for; the spec's name when not written."""

    max_model_len: Annotated[int, Field(ge=16)] | None = None
    """Longest prompt plus reply in tokens."""

    max_new_tokens: Count | None = None
    """Longest reply in tokens when a client does not say."""

    tensor_parallel: Count | None = None
    """Accelerators that share one copy of the model."""

    gpu_memory_share: Annotated[Share, Field(gt=0)] | None = None
    """Share of an accelerator's memory that the engine may take."""

    replicas: Replicas | None = None
    """How many copies."""

    canary: Canary | None = None
    """How a new release takes over."""

    objectives: Objectives | None = None
    """What the service promises."""

    health: Health | None = None
    """How it is asked whether it is well."""

    restart: Restart | None = None
    """What happens when it ends by itself."""

    drain: Duration | None = None
    """Time that requests have to come to their end when it is stopped."""

    system_prompt: str | None = None
    """System message that the service puts before requests that have none."""

    api_key: str | None = None
    """Key that clients must show, as a reference: `${secret:NAME}`."""

    smoke_prompt: str | None = None
    """A question that the service answers before it counts as ready; the run shows the reply."""
