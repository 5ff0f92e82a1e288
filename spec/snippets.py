"""Skeletons that editors offer: for the schema's readers and, with a prefix, for editors with snippets of their own.

A body is YAML text in the snippet syntax that editors share: `${1:default}` is a place to fill in.
"""

from tunewright.spec.record import record


@record(kw_only=True)
class Snippet:
    """A skeleton: `place` is the section it makes (`Spec` for a whole file), `prefix` what a user types."""

    place: str
    prefix: str
    label: str
    description: str
    body: str


_WHOLE = """\
api_version: tunewright/v1
name: ${1:my-life}

base:
  model: ${2:hf://Qwen/Qwen2.5-0.5B-Instruct}

data:
  ${3:rows}: {source: "file:${4:data/rows.jsonl}"}

steps:
  ${5:sft}:
    train: {method: sft, data: ${3:rows}, tuner: lora}
"""

SNIPPETS: tuple[Snippet, ...] = (
    Snippet(place="Spec", prefix="life", label="a whole spec", description="The smallest useful spec.", body=_WHOLE),
    Snippet(
        place="Step",
        prefix="train",
        label="train: learn from replies",
        description="Supervised fine-tuning with adapters.",
        body="train:\n  method: sft\n  data: ${1:rows}\n  tuner: ${2:lora}",
    ),
    Snippet(
        place="Step",
        prefix="align",
        label="train: learn from preferences",
        description="DPO on pairs of a better and a worse reply.",
        body="train:\n  method: dpo\n  from: ${1:sft}\n  data: ${2:pairs}\n  beta: ${3:0.1}",
    ),
    Snippet(
        place="Step",
        prefix="evaluate",
        label="evaluate: measure a model",
        description="Measure with suites or public benchmarks.",
        body="evaluate:\n  model: ${1:sft}\n  suites: ${2:quiz}",
    ),
    Snippet(
        place="Step",
        prefix="gate",
        label="gate: require what was measured",
        description="Nothing written below starts until it holds.",
        body='gate:\n  require: "${1:exam.quiz.exact >= 0.8}"',
    ),
    Snippet(
        place="Step",
        prefix="approve",
        label="approve: ask people",
        description="Nothing written below starts until people agree.",
        body="approve:\n  role: ${1:model-risk}\n  approvers: ${2:2}",
    ),
    Snippet(
        place="Step",
        prefix="export",
        label="export: merge and quantise",
        description="The model as one folder, with fewer bits a weight.",
        body="export:\n  model: ${1:sft}\n  merge: true\n  quantize: {method: ${2:bnb}, bits: ${3:4}}",
    ),
    Snippet(
        place="Step",
        prefix="deploy",
        label="deploy: serve",
        description="An OpenAI-compatible endpoint.",
        body="deploy:\n  model: ${1:pack}\n  engine: ${2:embedded}\n  port: ${3:8000}",
    ),
    Snippet(
        place="Tuner",
        prefix="lora",
        label="adapters with a rank",
        description="Low-rank adapters on all linear layers.",
        body="type: ${1:lora}\nrank: ${2:16}\nalpha: ${3:32}",
    ),
    Snippet(
        place="Suite",
        prefix="suite",
        label="an own suite",
        description="Questions with expected replies.",
        body="file: ${1:suites/quiz.jsonl}\nmetric: ${2:exact}",
    ),
    Snippet(
        place="Suite",
        prefix="benchmark",
        label="a public benchmark",
        description="A benchmark from its hub; `data` would name a local copy.",
        body="benchmark: ${1:mmlu}\nlimit: ${2:200}",
    ),
    Snippet(
        place="DataSet",
        prefix="data",
        label="a set of rows",
        description="Rows of one file; the format shows in its columns.",
        body='source: "file:${1:data/rows.jsonl}"',
    ),
)


def snippets_of(place: str) -> tuple[Snippet, ...]:
    """Return the skeletons of a section."""
    return tuple(snippet for snippet in SNIPPETS if snippet.place == place)
