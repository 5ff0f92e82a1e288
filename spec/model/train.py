"""`train`: how a model learns. Keys are those of transformers and TRL where the meaning is theirs."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tunewright.spec.document import Path
from tunewright.spec.methods import METHODS
from tunewright.spec.model.reward import Reward
from tunewright.spec.model.section import Count, Name, Names, NotNegative, PlugIn, Positive, Section, Share, Texts
from tunewright.spec.model.tracking import ReportTo
from tunewright.spec.model.watch import Watch
from tunewright.spec.tuners import TUNERS

if TYPE_CHECKING:  # type checkers want the words themselves; the tables hold them
    Method: TypeAlias = str
    TunerType: TypeAlias = str
else:
    Method = Literal[tuple(METHODS)]
    TunerType = Literal[tuple(TUNERS)]
Strategy = Literal["single", "ddp", "zero1", "zero2", "zero3", "fsdp2", "megatron"]
Offload = Literal["none", "cpu", "nvme"]
Scheduler = Literal[
    "linear", "cosine", "cosine_with_min_lr", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"
]  # fmt: skip
Optimizer = Literal["adamw_torch", "adamw_torch_fused", "adafactor", "sgd", "adamw_bnb_8bit", "paged_adamw_8bit"]
Determinism = Literal["recorded", "rerunnable", "statistical", "bitwise"]
LossType = Literal[
    "sigmoid", "hinge", "ipo", "robust", "exo_pair", "nca_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero",
    "apo_down", "sigmoid_norm", "grpo", "dr_grpo", "bnpo", "dapo",
]  # fmt: skip
Precision = Literal["auto", "bf16", "fp16", "fp32"]
Attention = Literal["auto", "eager", "sdpa", "flash_attention_2"]
Kernels = Literal["auto", "plain", "fused", "liger", "unsloth"]
Mix = Literal["concat", "first_exhausted", "all_exhausted"]
Truncation = Literal["end", "start", "drop", "error"]
Tokenize = Literal["ahead", "inside"]
Sampling = Literal["random", "sequential", "group_by_length"]


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, RecursionError) as error:
        raise PydanticCustomError("pattern", "no regular expression: {problem}", {"problem": str(error)}) from error
    return value


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Tuner(Section):
    """Which weights learn."""

    type: TunerType
    """Which weights learn, and how; the table below says what each type is."""

    rank: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Rank of the adapters, or of the space that gradients are projected to (galore, q_galore)."""

    alpha: Positive | None = None
    """Scale of the adapters; the update is multiplied by alpha / rank (rsLoRA: alpha / sqrt(rank))."""

    dropout: Share | None = None
    """Dropout on the adapters' input."""

    target_modules: Texts | None = None
    """Names of the linear layers that get adapters, or `all-linear`."""

    target_pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    """Regular expression that the whole names of these layers fit, instead of `target_modules`."""

    modules_to_save: Texts | None = None
    """Names of modules that learn in full beside the adapters, such as `embed_tokens` and `lm_head`."""

    bits: Literal[4, 8] | None = None
    """Bits in which the base is held (qlora)."""

    ratio: Annotated[float, Field(ge=1)] | None = None
    """How many times the learning rate the second matrix of LoRA learns at (loraplus)."""

    iterations: Annotated[int, Field(ge=1, le=128)] | None = None
    """Passes of the randomised singular value decomposition at the start (pissa); more are nearer to the exact one."""

    groups: Annotated[int, Field(ge=2, le=64)] | None = None
    """Into how many groups a row of `max_length` is cut while learning (longlora)."""

    layers: tuple[int, ...] | None = None
    """Blocks that learn (freeze) or are edited (reft), counted from 0; negative ones from the end."""

    patterns: Annotated[tuple[Annotated[str, AfterValidator(_pattern)], ...], BeforeValidator(_listed)] | None = None
    """Regular expressions: parameters whose names hold one of them learn too (freeze)."""

    num_virtual_tokens: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Vectors put before each text (prompt), or keys and values in each layer (prefix)."""

    block_size: Annotated[int, Field(ge=2)] | None = None
    """Inputs of a layer that are turned together (oft); it divides the layers' widths."""

    active_layers: Count | None = None
    """Blocks that learn at a time (lisa)."""

    interval: Count | None = None
    """Optimizer steps until other blocks are drawn (lisa), or gradients are projected anew (galore, q_galore)."""

    scale: Positive | None = None
    """What an update is multiplied by when it comes back from its subspace (galore, q_galore)."""


class Parallelism(Section):
    """How the work is spread over processes."""

    strategy: Strategy | None = None
    """One process, data parallel (`ddp`), sharded (`zero1`..`zero3`, `fsdp2`), or `megatron`."""

    processes: Count | None = None
    """Processes in all, one an accelerator."""

    offload_optimizer: Offload | None = None
    """Keep optimizer state in host memory (`cpu`: zero2, zero3) or on a local disk (`nvme`: zero3)."""

    offload_parameters: Offload | None = None
    """Keep parameters in host memory or on a local disk (zero3)."""

    nvme_path: str | None = None
    """Folder on a fast local disk, the same on every machine, for what is kept on `nvme`."""

    data_parallel_replicate: Count | None = None
    """Copies of the model, each in shards over its part of the processes: hybrid shard (fsdp2)."""

    tensor_parallel: Count | None = None
    """Split each layer over so many accelerators (megatron)."""

    pipeline_parallel: Count | None = None
    """Split the layers into so many stages (megatron)."""

    virtual_pipeline_parallel: Count | None = None
    """Cut each stage into so many parts that take turns, so that stages wait less (megatron)."""

    context_parallel: Count | None = None
    """Split each sequence over so many processes (zero3: Ulysses; fsdp2, megatron: rings; on accelerators)."""

    expert_parallel: Count | None = None
    """Spread the experts over so many accelerators (megatron)."""

    sequence_parallel: bool | None = None
    """Split norms and dropouts along the sequence within a tensor-parallel group (megatron)."""


def _tuner(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


def _rewards(value: Any) -> Any:
    """A name stands for a reward of that name, and one reward for a list of one."""
    items = value if isinstance(value, list | tuple) else (value,)
    return tuple({"name": item} if isinstance(item, str) else item for item in items)


def _parallelism(value: Any) -> Any:
    if value == "auto":
        return None
    return {"strategy": value} if isinstance(value, str) else value


class Train(Section):
    """A training step."""

    method: Method
    """`sft`: supervised. `pretrain`: plain text. `reward`: a model that scores replies. `dpo`, `cpo`, `simpo`, `orpo`:
    from preference pairs. `kto`: from single replies marked good or bad. `grpo`, `rloo`, `ppo`: from rewards for
    replies that the model generates. `gkd`: from a teacher that corrects them. `classify`: a model that tells classes.
    `embed`: a model whose vectors are near each other where texts belong together."""

    from_: Annotated[Name | None, Field(alias="from")] = None
    """The training step whose result is trained further; the base model when not written."""

    data: Names
    """One or several names of `data`."""

    mix: Mix | None = None
    """How several sets become one: one after the other (`concat`), or drawn in turn by their weights until the first
    (`first_exhausted`) or the last (`all_exhausted`) is used up.
    """

    tuner: Annotated[Tuner | None, BeforeValidator(_tuner)] = None
    """Which weights learn: a type (`lora`), or a mapping with `type`, `rank`, `alpha`, ..."""

    learning_rate: Positive | None = None
    """Peak learning rate."""

    lr_scheduler_type: Scheduler | None = None
    """How the learning rate falls."""

    warmup_ratio: Share | None = None
    """Share of the steps during which the learning rate rises."""

    warmup_steps: Count | None = None
    """Optimizer steps during which the learning rate rises, instead of a share."""

    min_lr_rate: Share | None = None
    """Share of the peak rate at which `cosine_with_min_lr` ends."""

    num_train_epochs: Positive | None = None
    """Passes over the data."""

    max_steps: Count | None = None
    """Optimizer steps, instead of epochs."""

    per_device_train_batch_size: Count | None = None
    """Rows a process takes at once."""

    gradient_accumulation_steps: Count | None = None
    """Micro-batches a process adds up before an optimizer step."""

    max_length: Annotated[int, Field(ge=8)] | None = None
    """Longest row in tokens; `truncation` says what becomes of longer ones."""

    truncation: Truncation | None = None
    """What becomes of rows longer than `max_length`: cut at the `end` or `start`, left out (`drop`), or an `error`."""

    tokenize: Tokenize | None = None
    """Whether tokens are made by a step of their own on the processor (`ahead`) or by the training (`inside`)."""

    packing: bool | None = None
    """Put several rows into one sequence."""

    packing_strategy: Literal["bfd", "bfd_split", "wrapped"] | None = None
    """How rows share a sequence: best fit with rows whole, best fit with long rows divided, or one endless text."""

    loss_on: Literal["completion", "replies", "all"] | None = None
    """Learn from the last reply only, from every reply of a conversation, or from the whole text."""

    beta: NotNegative | None = None
    """How strongly the reference model holds back; without a reference (orpo, cpo, simpo) how much the pairs count; for
    gkd from 0 (say all the teacher would) to 1 (say only what it would)."""

    loss: PlugIn | None = None
    """A loss of another package by its name, such as `acme.focal`, instead of the method's own (sft, pretrain)."""

    loss_type: LossType | None = None
    """Form of the loss (dpo, cpo, grpo)."""

    sft_weight: Positive | None = None
    """How much the loss of simply giving the better reply counts beside that of the pairs (dpo)."""

    desirable_weight: Positive | None = None
    """How much good replies count (kto)."""

    undesirable_weight: Positive | None = None
    """How much bad replies count (kto)."""

    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] | None = None
    """Share of the pairs taken to be the wrong way round (dpo with `robust` or `exo_pair`, cpo)."""

    cpo_alpha: NotNegative | None = None
    """How much learning the better reply itself counts beside the CPO loss."""

    simpo_gamma: NotNegative | None = None
    """Margin by which SimPO wants the better reply ahead."""

    rewards: Annotated[tuple[Reward, ...] | None, BeforeValidator(_rewards), Field(min_length=1)] = None
    """What replies are paid for: names of rewards, or mappings with `name` or `model`, `weight` and more (grpo, rloo,
    ppo)."""

    num_generations: Annotated[int, Field(ge=2)] | None = None
    """Replies that are generated to each prompt and compared with each other (grpo, rloo)."""

    max_completion_length: Count | None = None
    """Longest generated reply in tokens."""

    temperature: Positive | None = None
    """How freely replies are sampled; for embed by what similarities are divided: less looks at the nearest only."""

    labels: Texts | None = None
    """Names of the classes, in the order of their numbers (classify); those that occur in the data when not written."""

    pooling: Literal["last_token", "mean"] | None = None
    """How the vectors of a text's tokens become one: that of the last token, or their mean (embed)."""

    num_iterations: Count | None = None
    """Optimizer steps that are made from the same replies (grpo, rloo, ppo)."""

    epsilon: Annotated[float, Field(gt=0, lt=1)] | None = None
    """How far the probability of a reply may move before its gradient is cut off."""

    gamma: Annotated[float, Field(gt=0, le=1)] | None = None
    """How much a later token's reward counts for an earlier one (ppo)."""

    lam: Annotated[float, Field(ge=0, le=1)] | None = None
    """How far advantages look ahead: 0 one token, 1 to the end (ppo)."""

    vf_coef: Positive | None = None
    """How much the loss of the value head counts (ppo)."""

    teacher: str | None = None
    """The model that corrects: a step, or a folder (`dir:path`) with a model of the same vocabulary (gkd)."""

    scale_rewards: Literal["group", "batch", "none"] | None = None
    """Over what advantages are brought to one scale (grpo)."""

    center_rewards_coefficient: Positive | None = None
    """How strongly a reward model's scores are drawn to a mean of 0."""

    weight_decay: NotNegative | None = None
    """Decoupled weight decay."""

    max_grad_norm: Positive | None = None
    """Gradients are scaled down to this norm."""

    optim: Optimizer | None = None
    """Optimizer."""

    adam_beta1: Annotated[Share, Field(gt=0)] | None = None
    """How much of the mean of the gradients Adam keeps from step to step."""

    adam_beta2: Annotated[Share, Field(gt=0)] | None = None
    """How much of the mean of their squares Adam keeps from step to step."""

    adam_epsilon: Positive | None = None
    """What Adam adds to the root of that mean before it divides by it."""

    neftune_noise_alpha: Positive | None = None
    """Noise on the embeddings while learning (NEFTune), scaled by this over the root of a sequence's numbers."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of this step; the spec's `seed` when not written."""

    determinism: Determinism | None = None
    """What is promised of a second run; the spec's `determinism` when not written."""

    precision: Precision | None = None
    """Number format of the computation; `auto` takes what the accelerator is good at."""

    gradient_checkpointing: bool | None = None
    """Compute activations again instead of keeping them."""

    attention: Attention | None = None
    """Attention implementation."""

    kernels: Kernels | None = None
    """How layers are computed; `auto` takes the fastest that gives the same losses here."""

    train_sampling_strategy: Sampling | None = None
    """In which order rows are seen."""

    system_prompt: str | None = None
    """System message put before rows that have none."""

    evaluation_share: Share | None = None
    """Share of the rows held out for the loss shown while training."""

    logging_steps: Count | None = None
    """Optimizer steps between two reported figures."""

    save_steps: Count | None = None
    """Optimizer steps between two checkpoints."""

    save_total_limit: Count | None = None
    """Checkpoints kept."""

    report_to: ReportTo | None = None
    """Where the figures are written beside the run's log: TensorBoard's files, MLflow, Weights & Biases."""

    watch: Watch | None = None
    """What the step is watched for (NaN, spikes, stalls, memory, ...), and what happens then."""

    parallelism: Annotated[Parallelism | None, BeforeValidator(_parallelism)] = None
    """`auto`, a strategy (`ddp`), or a mapping with `strategy`, `processes`, ..."""

    def other_models(self) -> Iterator[tuple[Path, str]]:
        """Yield path (inside `train`) and name of each model beside the one that learns: a step, or a source."""
        if self.teacher is not None:
            yield ("teacher",), self.teacher
        for index, reward in enumerate(self.rewards or ()):
            if reward.model is not None:
                yield ("rewards", index, "model"), reward.model
