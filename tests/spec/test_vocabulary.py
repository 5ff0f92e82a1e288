"""The words that may stand at a place of a spec."""

import pytest

from tunewright.spec.document import Path
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS
from tunewright.spec.vocabulary import known_keys, known_values


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("steps", "sft", "train", "method"), tuple(METHODS)),
        (("steps", "sft", "train", "packing"), ("true", "false")),
        (("steps", "sft", "train", "tuner"), tuple(TUNERS)),
        (("steps", "sft", "train", "tuner", "type"), tuple(TUNERS)),
        (("steps", "sft", "train", "learning_rate"), ()),
        (("steps", "sft", "train"), ()),
        (("steps", "sft", "nothing", "here"), ()),
        ((), ()),
    ],
)
def test_words_of_a_place(path: Path, words: tuple[str, ...]) -> None:
    assert known_values(path) == words


def test_a_section_of_one_word_offers_what_its_key_does() -> None:
    strategies = known_values(("steps", "sft", "train", "parallelism", "strategy"))

    assert known_values(("steps", "sft", "train", "parallelism")) == ("auto", *strategies)
    assert "strategy" in known_keys(("steps", "sft", "train", "parallelism"))
