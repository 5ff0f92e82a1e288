"""Did you mean."""

import pytest

from tunewright.spec.suggest import listed, nearest, suggestion

KEYS = ("learning_rate", "lr_scheduler_type", "max_length", "max_grad_norm", "rank", "data")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("learning_rat", "learning_rate"),
        ("Learning_Rate", "learning_rate"),
        ("learningrate", "learning_rate"),
        ("lora_rank", "rank"),
        ("max_lenght", "max_length"),
        ("dat", "data"),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_nearest(word: str, meant: str | None) -> None:
    assert nearest(word, KEYS) == meant


def test_words() -> None:
    assert suggestion("rank", "keys here: rank, alpha") == "did you mean `rank`? (keys here: rank, alpha)"
    assert suggestion(None, "keys here: rank, alpha") == "keys here: rank, alpha"
    assert listed(["a", "b", "c"], 2) == "a, b, ..."
