"""Any text in: a spec that the language takes, a refusal, or one sentence; never anything else."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.compiler.importers import axolotl_vocabulary, llama_factory_vocabulary, ms_swift_vocabulary
from tunewright.compiler.importers.command_line import parse_script
from tunewright.compiler.importers.front import Imported, Input, import_texts
from tunewright.compiler.importers.settings_file import InputError
from tunewright.compiler.importers.vocabulary import Vocabulary
from tunewright.compiler.pipeline import new_work, read
from tunewright.spec.diagnostics import Severity

VOCABULARIES: tuple[Vocabulary, ...] = tuple(
    module.VOCABULARY for module in (ms_swift_vocabulary, llama_factory_vocabulary, axolotl_vocabulary)
)
NAMES = sorted({word for vocabulary in VOCABULARIES for word in vocabulary.carried.split()} | {"rl", "datasets"})
SHELL = st.text(
    alphabet=st.sampled_from("swift sft --model=a/b 'x\" \\\n\t#$(){}`<>&|;EOF0\u202e\u00e9\ud800"), max_size=120
)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def attempt(name: str, text: str, framework: str | None = None) -> Imported | None:
    try:
        return import_texts([Input(name=name, text=text, folder=Path("nowhere"))], framework=framework)
    except InputError:
        return None


def holds(imported: Imported | None) -> None:
    """A spec that was written binds without an error."""
    if imported is None:
        return
    if imported.text is None:
        assert imported.draft.refused
        return
    errors = [item for item in read(new_work(imported.text, "x", variables={})).sink if item.severity is Severity.ERROR]
    assert [item for item in errors if item.code != "TW1018"] == []


@settings(max_examples=150, deadline=None)
@given(SHELL)
def test_any_script(text: str) -> None:
    parse_script(text)
    holds(attempt("x.sh", "swift sft --model a/b --dataset r.jsonl " + text))
    attempt("x.sh", text)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200))
def test_any_settings_text(text: str) -> None:
    for name in ("x.yaml", "x.json", "x"):
        attempt(name, text, "axolotl")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(("ms-swift", "llama-factory", "axolotl")),
    st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=8),
)
def test_any_values(framework: str, values: dict[str, object]) -> None:
    required = {
        "ms-swift": {"model": "a/b", "dataset": ["r.jsonl"]},
        "llama-factory": {"model_name_or_path": "a/b", "dataset": "r", "stage": "sft"},
        "axolotl": {"base_model": "a/b", "datasets": [{"path": "r.jsonl", "type": "alpaca"}], "learning_rate": 1e-4},
    }[framework]
    holds(attempt("x.json", json.dumps({**required, **values}), framework))
