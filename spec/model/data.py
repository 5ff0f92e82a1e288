"""`data` and `suites`: what is learned from, and what is measured with."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WrapValidator
from pydantic_core import PydanticCustomError

from tunewright.spec.model.section import Count, PlugIn, Positive, Section, Texts, one_or_more
from tunewright.spec.plug_ins import is_plug_in
from tunewright.spec.prompts import template_problem

DataFormat = Literal[
    "messages", "prompt_completion", "instruction", "preference", "kto", "prompt", "text", "text_label",
    "anchor_positive",
]  # fmt: skip

if TYPE_CHECKING:  # type checkers want keys that any text can be; the words are held at run time
    Column: TypeAlias = str
else:
    Column = Literal[
        "messages", "role", "content", "prompt", "completion", "chosen", "rejected", "label",
        "instruction", "input", "output", "system", "text", "anchor", "positive", "negative",
    ]  # fmt: skip

Metric = Literal[
    "exact", "json_schema", "json_match", "multiple_choice", "regex", "accuracy", "retrieval", "bleu", "rouge",
    "bertscore", "judge",
]  # fmt: skip

#: What is taken out of rows; the recognisers of the preparing runner know the same kinds.
PERSONAL_KINDS = ("phone", "email", "id_card", "bank_card", "iban", "ip", "key")

if TYPE_CHECKING:
    PersonalKind: TypeAlias = str
else:
    PersonalKind = Literal[("all", *PERSONAL_KINDS)]


def _prompt_template(value: str) -> str:
    if (problem := template_problem(value)) is not None:
        raise PydanticCustomError("prompt_template", "no prompt template: {problem}", {"problem": problem})
    return value


def _metric(value: Any, handler: Any) -> Any:
    return value if isinstance(value, str) and is_plug_in(value) else handler(value)


class DataSet(Section):
    """A set of training rows."""

    source: Texts
    """One or several of `file:path` (.jsonl, .json, .csv, .parquet), `dir:path`, `hf://datasets/org/name`,
    `ms://datasets/org/name`.
    """

    format: DataFormat | None = None
    """What the rows look like. Detected from the columns when not written; every row must fit."""

    weight: Positive | None = None
    """How often rows of this set are taken relative to the others of the same step."""

    limit: Count | None = None
    """Use only the first so many rows."""

    subset: str | None = None
    """Which of a hub's data sets under one name, where it holds several."""

    split: str | None = None
    """Which part of a hub's data set, such as `train` or `train[:1%]`."""

    columns: dict[Column, str] | None = None
    """Names in the rows that differ from the format's: `{messages: conversations, role: from, content: value}`. Who
    speaks may then be called `human`, `gpt` and the like.
    """

    replace: dict[Annotated[str, Field(min_length=1)], str] | None = None
    """Texts in the rows that are replaced by others, such as placeholders for names."""

    prompt_template: Annotated[str, AfterValidator(_prompt_template)] | None = None
    """How instruction rows become plain text, with `{instruction}`, `{input}` and `{system}`, or `alpaca`; with the
    model's chat template when not written.
    """

    preprocess: Annotated[tuple[PlugIn, ...], BeforeValidator(one_or_more), Field(min_length=1)] | None = None
    """Preprocessors of other packages, by name, such as `acme.trim`: each makes of one row any number of rows."""

    filter: Annotated[tuple[PlugIn, ...], BeforeValidator(one_or_more), Field(min_length=1)] | None = None
    """Filters of other packages, by name: rows for which one of them says no are left out."""

    scrub: Annotated[tuple[PersonalKind, ...], BeforeValidator(one_or_more), Field(min_length=1)] | None = None
    """Personal data and secrets that are taken out of every text before training: `all`, or a list of `phone`, `email`,
    `id_card`, `bank_card`, `iban`, `ip`, `key`. `<PHONE>` and the like stand in their place.
    """

    deduplicate: Literal["exact", "near"] | None = None
    """Leave out rows that repeat an earlier one: word for word (`exact`), or nearly so (`near`)."""


class Suite(Section):
    """A set of questions with expected answers, or a public benchmark with local data."""

    file: str | None = None
    """JSONL file of rows `{id, prompt, expected}`, or `{id, question, choices, answer}` for multiple choice."""

    metric: Annotated[Metric, WrapValidator(_metric)] | None = None
    """How replies are scored; or a metric of another package by its name, such as `acme.politeness`."""

    json_schema: str | None = None
    """File with the JSON Schema that replies must satisfy (metrics `json_schema` and `json_match`)."""

    pattern: str | None = None
    """Regular expression that a reply must match (metric `regex`)."""

    benchmark: str | None = None
    """Name of a public benchmark (`mmlu`, `ceval`, `cmmlu`, `gsm8k`, ...) instead of a file."""

    data: str | None = None
    """Local folder with the benchmark's data (`dir:path`), for machines without a hub."""

    limit: Count | None = None
    """Use only the first so many rows."""
