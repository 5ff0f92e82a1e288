"""The labels of a classifier where the spec does not name them: those of its rows, always in the same order."""

from tunewright.compiler.passes.work import Work
from tunewright.spec.labels import in_order
from tunewright.spec.model.train import Train


def default_labels(work: Work, train: Train) -> tuple[tuple[str, ...], str]:
    """Return the labels that occur in the rows of a step, none where no row was looked at, and why."""
    assert work.facts is not None
    sets = [facts for name in train.data if (facts := work.facts.data.get(name)) is not None]
    found = in_order({item.name for facts in sets for item in facts.classes})
    return found, f"the rows hold {len(found)}" if found else "no rows were looked at"
