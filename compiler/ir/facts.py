"""Facts: what the compiler may know about the world, gathered by `collect/` before the passes run. Frozen, digested,
recorded in the plan.

Fields named in VOLATILE are looked at but never enter the digest: they change by themselves between two compilations,
or another digest covers them.
"""

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass, replace
from typing import Any

from tunewright.compiler.facts.families import Family, family_of
from tunewright.compiler.ir.tokens import TokenFacts
from tunewright.spec.canonical import digest_of
from tunewright.spec.record import record

#: What a problem says of a file that can be read and is empty.
NO_ROWS = "the file holds no rows"

VOLATILE = frozenset(
    {
        *("file_digests", "prompt_digests", "overlaps", "installed", "path", "cached", "pinned", "sinks_known"),
        *("disk_free_bytes", "memory_free_bytes", "scratch_free_bytes", "template_hazard"),
    }
)


@record(kw_only=True)
class FileFact:
    """A local file: the path as written in the spec, its size in bytes and digest; `digest` is None when the file is
    missing.
    """

    written: str
    path: str | None
    size: int | None = None
    digest: str | None = None


@record(kw_only=True)
class RowProblem:
    """A row that can't be used: file as written, line (1-based; None: the whole file), what is wrong."""

    file: str
    line: int | None
    message: str


@record(kw_only=True)
class ImagesFact:
    """The images that the rows of one data file name: how many, and what binds them (None: some can't be read)."""

    file: str
    count: int
    digest: str | None


@record(kw_only=True)
class ClassFact:
    """A label of a data set: how many rows have it, and file and line of the first of them."""

    name: str
    rows: int
    file: str
    line: int


@record(kw_only=True)
class DataFacts:
    """One data set or suite file after a pass over all its rows.

    `format`: detected from the rows (the declared one is in the spec). `problems` holds the first 20 of `problem_count`
    rows that do not fit.
    `remote`: on a hub, not looked into; what a lock pins are `revision`, `files` and `digest`.
    Lengths are characters of the text in a row. `bad_labels` and `good_labels` count kto's marks; `classes` has the
    labels of `text_label` rows. `prompt_digests`: what each row asks, in order (the first 50,000 rows of each file;
    empty for a row that asks nothing).
    """

    files: tuple[FileFact, ...] = ()
    format: str | None = None
    rows: int = 0
    columns: tuple[str, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    problem_count: int = 0
    median_characters: int = 0
    longest_characters: int = 0
    total_characters: int = 0
    bad_labels: int = 0
    good_labels: int = 0
    classes: tuple[ClassFact, ...] = ()
    prompt_digests: tuple[str, ...] = ()
    images: tuple[ImagesFact, ...] = ()
    remote: bool = False
    revision: str | None = None
    digest: str | None = None

    @property
    def images_digest(self) -> str | None:
        """What binds the images that the rows of all files name; None where they name none."""
        return digest_of([images.digest for images in self.images]) if self.images else None


@record(kw_only=True)
class LatentAttention:
    """Widths of attention that compresses keys and values (MLA); `query_rank` is None for queries that are not."""

    query_rank: int | None
    key_value_rank: int
    nope_head_dim: int
    rope_head_dim: int
    value_head_dim: int


@record(kw_only=True)
class VisionTower:
    """The image encoder in front of a language model; `kind` is `qwen2_vl`, `qwen2_5_vl` or `qwen3_vl`."""

    kind: str
    depth: int
    hidden_size: int
    intermediate_size: int
    patch_size: int
    out_hidden_size: int
    temporal_patch_size: int = 2
    spatial_merge_size: int = 2
    learned_positions: int = 0
    deepstack_mergers: int = 0


@record(kw_only=True)
class ModelFacts:
    """A base model as far as its folder, GGUF header or the catalogue of known shapes tells.

    Sizes are in elements unless the name says bytes.

    `origin`: `folder`, `gguf`, `catalogue` (shape known, files not here) or `unknown`.
    `problem` says in a sentence why it can't be used.
    `file_digests` has name and digest of each file of a folder; `digest` covers them all. `pinned`: by a lock.
    `linear_modules` are the names of the linear layers inside a block (`q_proj`, ...); empty when not known.
    `end_token` is False for a tokenizer that has no end-of-sequence token (None: it has one, or is not here).
    `template_hazard` says what the chat template does that no template may; None where it is harmless, or not here.
    `unstopped_turn` is the text that ends a turn in the chat template when generation does not stop at it; `recurrent`:
    some layers carry a state along the sequence.
    `described_family` is what a package says of a `model_type` that the table of families does not have.
    `unreadable_weights` says why quantised weights can't be read by what is here; None: they can, or are not quantised.
    `norms_per_layer` counts norms of width `hidden_size`; `linear_bias`: the attention output and MLP have biases.
    """

    source: str
    origin: str
    problem: str | None = None
    path: str | None = None
    digest: str | None = None
    file_digests: tuple[tuple[str, str], ...] = ()
    revision: str | None = None
    pinned: bool = False
    model_type: str | None = None
    hidden_size: int | None = None
    num_hidden_layers: int | None = None
    num_attention_heads: int | None = None
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    intermediate_size: int | None = None
    vocab_size: int | None = None
    max_position_embeddings: int | None = None
    rope_scaling: bool = False
    tie_word_embeddings: bool = False
    num_experts: int = 0
    num_experts_per_token: int = 0
    moe_intermediate_size: int = 0
    shared_expert_intermediate_size: int = 0
    attention_qkv_bias: bool = False
    qk_norm: bool = False
    linear_bias: bool = False
    mlp_gated: bool = True
    norms_per_layer: int = 2
    norm_bias: bool = False
    learned_positions: int = 0
    first_dense_layers: int = 0
    latent_attention: LatentAttention | None = None
    vision: bool = False
    vision_tower: VisionTower | None = None
    num_parameters: int | None = None
    weight_bytes: int | None = None
    dtype: str | None = None
    quantization: str | None = None
    unreadable_weights: str | None = None
    chat_template: bool | None = None
    template_hazard: str | None = None
    end_token: bool | None = None
    unstopped_turn: str | None = None
    recurrent: bool = False
    remote_code: bool = False
    linear_modules: tuple[str, ...] = ()
    described_family: Family | None = None

    @property
    def family(self) -> Family | None:
        """What holds for all models of this one's `model_type`; None where nobody says."""
        return self.described_family or family_of(self.model_type)


@record(kw_only=True)
class Accelerator:
    """One kind of accelerator of the table in `facts/accelerators.py`; `count` of them in one machine."""

    name: str
    memory_bytes: int
    count: int


@record(kw_only=True)
class HardwareFacts:
    """The machine a plan is for. `stated`: taken from `resources` of the spec instead of looked at.

    `scratch_free_bytes`: folder that a step keeps its states in -> what is free there, None where it can't be written.
    """

    cpu_cores: int
    memory_bytes: int
    accelerator: Accelerator | None = None
    nodes: int = 1
    stated: bool = False
    disk_free_bytes: int | None = None
    scratch_free_bytes: Mapping[str, int | None] = field(default_factory=dict, hash=False)


@record(kw_only=True)
class EnvironmentFacts:
    """A runner environment: digest of its pinned requirements, whether it is installed here, and its folder (`path`).

    `packages`: which it holds of those that decide what can be chosen (compiler/facts/kernels.py).
    """

    name: str
    digest: str
    installed: bool = False
    packages: tuple[str, ...] = ()
    path: str | None = None


@record(kw_only=True)
class PlugInFacts:
    """Something that an installed package adds: `kind` and `name` as specs have them, who brings it, in which module.

    `problem` says in a sentence why it can't be used.
    """

    kind: str
    name: str
    distribution: str
    version: str
    module: str = ""
    problem: str | None = None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@record(kw_only=True)
class OverlapFact:
    """How many of a suite's `questions` are nearly in the rows of a data set, of which so many `rows` were looked at.

    `places`: the first few, each a place in the suite and one in the data (`file:line`).
    """

    data: str
    suite: str
    count: int
    questions: int
    rows: int
    places: tuple[tuple[str, str], ...] = ()


@record(kw_only=True)
class Facts:
    """Everything gathered for one spec: by model source, data name, suite name, written path, environment name.

    `tokens` (by data name) is there where `plan` took the time. It sharpens estimates and finds rows that are cut, but
    never enters a digest: a plan is the same whether rows were tokenized or not. `sinks_known`: where the daemon can
    send alerts; None where that is not known.
    """

    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    data: Mapping[str, DataFacts] = field(default_factory=dict)
    suites: Mapping[str, DataFacts] = field(default_factory=dict)
    files: Mapping[str, FileFact] = field(default_factory=dict)
    environments: Mapping[str, EnvironmentFacts] = field(default_factory=dict)
    hardware: HardwareFacts = field(default_factory=lambda: HardwareFacts(cpu_cores=1, memory_bytes=0))
    plug_ins: tuple[PlugInFacts, ...] = ()
    overlaps: tuple[OverlapFact, ...] = ()
    secrets_known: frozenset[str] | None = None
    sinks_known: frozenset[str] | None = None
    tokens: Mapping[str, TokenFacts] = field(default_factory=dict)

    def digest(self) -> str:
        """Return the digest of everything that is not volatile."""
        return digest_of(_stable(replace(self, secrets_known=None, tokens={})))

    def plug_in(self, kind: str, name: str) -> PlugInFacts | None:
        """Return who offers a plug-in here, or None."""
        return next((item for item in self.plug_ins if (item.kind, item.name) == (kind, name)), None)


def _stable(value: Any) -> Any:
    """Return facts as JSON without their volatile fields; names that users chose are keys, not fields, and all stay."""
    if is_dataclass(value):
        return {item.name: _stable(getattr(value, item.name)) for item in fields(value) if item.name not in VOLATILE}
    match value:
        case Mapping():
            return {key: _stable(item) for key, item in value.items()}
        case list() | tuple():
            return [_stable(item) for item in value]
        case frozenset():
            return sorted(value)
        case _:
            return value
