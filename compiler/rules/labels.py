"""Families 2 and 3: the labels of classifiers, and the pairs of embeddings."""

from collections import Counter
from collections.abc import Iterator

from tunewright.compiler.ir.facts import ClassFact
from tunewright.compiler.ir.resolved import ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import lowering
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.labels import label_number
from tunewright.spec.methods import METHODS
from tunewright.spec.suggest import listed, nearest

_SHOWN = 5


def _making(work: Work, makes: str) -> Iterator[tuple[ResolvedStep, ResolvedTrain]]:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if METHODS[train.method].makes == makes and not any(work.is_faulty("data", name) for name in train.data):
            yield step, train


def _labels(train: ResolvedTrain) -> tuple[str, ...]:
    labels = train.options["labels"]
    assert isinstance(labels, tuple)
    return labels


def _check_number(work: Work) -> None:
    for step, train in _making(work, "label"):
        labels = _labels(train)
        span = work.value_span("steps", step.name, "train", "labels")
        twice = [name for name, count in Counter(labels).items() if count > 1]
        if twice:
            work.sink.report("TW3090", f"the label `{twice[0]}` stands there twice", span, help="name each label once")
        elif not labels:
            work.sink.report(
                "TW3090",
                "which labels there are is not known before the rows are fetched",
                span,
                help="name them in the order of their numbers: `labels: [no, yes]`",
            )
        elif len(labels) == 1:
            work.sink.report(
                "TW3090",
                f"with `{labels[0]}` alone there is nothing to tell apart",
                span,
                help="add rows of another label",
            )


def _check_known(work: Work) -> None:
    assert work.facts is not None
    for step, train in _making(work, "label"):
        labels = _labels(train)
        for index, name in enumerate(train.data):
            facts = work.facts.data.get(name)
            strange = [item for item in facts.classes if label_number(item.name, labels) is None] if facts else []
            if not strange or len(labels) < 2:
                continue
            near = nearest(strange[0].name, labels)
            work.sink.report(
                "TW2030",
                f"rows of `{name}` have labels that are not among `labels`",
                work.value_span("steps", step.name, "train", "data", index),
                labels=(Label(work.value_span("steps", step.name, "train", "labels"), f"{len(labels)} labels"),),
                notes=[_place(item) for item in strange[:_SHOWN]],
                help=f"did you mean `{near}`?" if near else "add them to `labels`, or correct the rows",
            )


def _place(item: ClassFact) -> str:
    rows = f" and {item.rows - 1} more rows" if item.rows > 1 else ""
    return f"{item.file}:{item.line}: `{item.name}`{rows}"


def _check_learned(work: Work) -> None:
    assert work.facts is not None
    assert work.spec is not None
    for step, train in _making(work, "label"):
        sets = [work.facts.data[name] for name in train.data]
        if any(facts.remote for facts in sets) or any(
            lowering.is_prepared(work.spec.data[name]) for name in train.data
        ):
            continue
        labels = _labels(train)
        there = {label_number(item.name, labels) for facts in sets for item in facts.classes}
        missing = [name for number, name in enumerate(labels) if number not in there]
        # Where a name is wrong or stands there twice, a class without rows follows from that.
        if missing and there and None not in there and len(set(labels)) == len(labels):
            work.sink.report(
                "TW2031",
                f"no row has the label {listed([f'`{name}`' for name in missing], _SHOWN)}",
                work.value_span("steps", step.name, "train", "labels"),
                help="add rows of it, or take it out: the model will hardly ever answer with it",
            )


def _check_same_labels(work: Work) -> None:
    assert work.resolved is not None
    for step, train in _making(work, "label"):
        before = work.resolved.step(train.from_step or "")
        if before is None or not isinstance(before.body, ResolvedTrain) or before.body.method != train.method:
            continue
        if _labels(before.body) != _labels(train):
            work.sink.report(
                "TW3091",
                f"`{train.from_step}` knows other labels, or the same ones in another order",
                work.value_span("steps", step.name, "train", "from"),
                f"{listed(list(_labels(before.body)), _SHOWN)}; here {listed(list(_labels(train)), _SHOWN)}",
                help="write the same `labels` in both steps",
            )


def _check_head(work: Work) -> None:
    """An adapter that learned below one head goes on below another only when it is melted in first."""
    assert work.resolved is not None
    trains = {step.name: train for step, train in work.resolved.trains()}
    for name, train in trains.items():
        before, left = trains.get(train.from_step or ""), work.resolved.models.get(train.from_step or "")
        makes = METHODS[train.method].makes
        if before is None or left is None or left.adapter is None or makes == "text":
            continue
        # A body without a head names its layers otherwise, so nothing can be melted into it.
        melts = not train.tuner.is_adapter and makes != "vector"
        if METHODS[before.method].makes == "text" and not melts:
            first = "" if makes == "vector" else "write `tuner: full` here, which melts it in first, or "
            work.sink.report(
                "TW3092",
                f"the adapter of `{train.from_step}` answers with text and can't go on to answer with a {makes}",
                work.value_span("steps", name, "train", "from"),
                labels=(Label(work.value_span("steps", name, "train", "method"), ""),),
                help=f"{first}start from `base`, or let `{train.from_step}` learn with `tuner: full`",
            )


def _check_company(work: Work) -> None:
    assert work.facts is not None
    for step, train in _making(work, "vector"):
        together = train.per_device_train_batch_size * train.parallelism.data_parallel
        apart = all("negative" in facts.columns for name in train.data if (facts := work.facts.data.get(name)))
        if together < 2 and not apart:
            work.sink.report(
                "TW3093",
                f"{train.method} needs at least 2 rows at once",
                work.value_span("steps", step.name, "train", "per_device_train_batch_size"),
                "a pair is told from the other pairs of its batch",
                help="set `per_device_train_batch_size: 16` or more, or give every row a `negative`",
            )


def _classes(keys: str = "", *, source: str = "classes.jsonl") -> str:
    """Return an example: one classifier, with the keys given."""
    return (
        f'{{data: {{desks: {{source: "file:{source}"}}}}, steps: {{sort: {{train: {{method: classify, data: desks'
        f"{', ' if keys else ''}{keys}}}}}}}}}"
    )


def _pairs(keys: str) -> str:
    data = 'data: {twins: {source: "file:twins.jsonl"}}'
    return f"{{{data}, steps: {{near: {{train: {{method: embed, data: twins, {keys}}}}}}}}}"


def _after(tuner: str) -> str:
    data = 'data: {desks: {source: "file:classes.jsonl"}}'
    return f"{{{data}, steps: {{sort: {{train: {{method: classify, from: sft, data: desks, tuner: {tuner}}}}}}}}}"


def _twice(labels: str) -> str:
    """Return an example: a classifier that is trained further with the labels given."""
    data = 'data: {desks: {source: "file:classes.jsonl"}}'
    first = "{train: {method: classify, data: desks, labels: [billing, shipping]}}"
    more = f"{{train: {{method: classify, from: sort, data: desks, {labels}}}}}"
    return f"{{{data}, steps: {{sort: {first}, more: {more}}}}}"


RULES = (
    Rule(
        code="TW2030",
        phase=Phase.DATA,
        check=_check_known,
        why="A row whose label no class has can't be learned from; the training would stop at it.",
        bad=_classes("labels: [biling, shipping]"),
        good=_classes("labels: [billing, shipping]"),
    ),
    Rule(
        code="TW2031",
        phase=Phase.DATA,
        check=_check_learned,
        why="A class without rows is learned as one that never occurs.",
        bad=_classes("labels: [billing, shipping, returns]"),
        good=_classes("labels: [billing, shipping]"),
    ),
    Rule(
        code="TW3090",
        phase=Phase.DATA,
        check=_check_number,
        why="The labels decide the shape of a classifier's head: they must be known, different, and two at least.",
        bad=_classes("labels: [billing, billing, shipping]"),
        good=_classes("labels: [billing, shipping]"),
    ),
    Rule(
        code="TW3091",
        phase=Phase.DATA,
        check=_check_same_labels,
        why="A head has one output a label: under other labels its outputs would mean something else.",
        bad=_twice("labels: [shipping, billing]"),
        good=_twice("labels: [billing, shipping]"),
    ),
    Rule(
        code="TW3092",
        phase=Phase.TEXT,
        check=_check_head,
        why="An adapter saves the head that it learned with: under another kind of head the new one would be lost.",
        bad=_after("lora"),
        good=_after("full"),
    ),
    Rule(
        code="TW3093",
        phase=Phase.DATA,
        check=_check_company,
        why="Vectors are learned by comparison: a pair that is alone in its batch is compared with nothing.",
        bad=_pairs("per_device_train_batch_size: 1"),
        good=_pairs("per_device_train_batch_size: 8"),
    ),
)
