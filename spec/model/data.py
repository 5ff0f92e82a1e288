"""`data` and `suites`: what is learned from, and what is measured with."""

from typing import Literal

from tunewright.spec.model.section import Count, Positive, Section, Texts

DataFormat = Literal["messages", "prompt_completion", "instruction", "preference", "kto", "text"]

Metric = Literal[
    "exact", "json_schema", "json_match", "multiple_choice", "regex", "accuracy", "bleu", "rouge", "bertscore", "judge"
]


class DataSet(Section):
    """A set of training rows."""

    source: Texts
    """One or several of `file:path` (.jsonl, .json, .csv, .parquet), `dir:path`, `hf://datasets/org/name`."""

    format: DataFormat | None = None
    """What the rows look like. Detected from the columns when not written; every row must fit."""

    weight: Positive | None = None
    """How often rows of this set are taken relative to the others of the same step."""

    limit: Count | None = None
    """Use only the first so many rows."""


class Suite(Section):
    """A set of questions with expected answers, or a public benchmark with local data."""

    file: str | None = None
    """JSONL file of rows `{id, prompt, expected}`, or `{id, question, choices, answer}` for multiple choice."""

    metric: Metric | None = None
    """How replies are scored."""

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
