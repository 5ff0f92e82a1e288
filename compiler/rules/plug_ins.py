"""Family 2, what other packages add: named here, offered by what is installed."""

from collections.abc import Iterator

from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.document import Path
from tunewright.spec.model.document import named_plug_ins
from tunewright.spec.plug_ins import GROUPS
from tunewright.spec.suggest import nearest

_SHOWN = 6


def _named(work: Work) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, name and place of what is named by the spec, or by a model whose family a lock knows."""
    assert work.spec is not None
    assert work.facts is not None
    yield from named_plug_ins(work.spec)
    model = work.facts.models.get(work.spec.base.model)
    if model is not None and model.described_family is not None:
        yield "family", model.described_family.model_type, ("base", "model")


def _check_plug_ins(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    environment = work.facts.environments.get("train")
    if environment is None or not environment.installed:
        return  # Nothing is known: before the step starts, its environment is asked for anyway.
    for kind, name, path in _named(work):
        if work.facts.plug_in(kind, name) is not None or work.is_poisoned(*path):
            continue
        offered = {item.name: item for item in work.facts.plug_ins if item.kind == kind}
        near = nearest(name, tuple(offered))
        listed = ", ".join(f"`{item.name}` ({item.distribution})" for item in list(offered.values())[:_SHOWN])
        installing = f"install the package that offers `{name}` in the entry-point group `{GROUPS[kind]}` there"
        work.sink.report(
            "TW2061",
            f"no package in the environment `train` offers the {kind} `{name}`",
            work.value_span(*path),
            help=f"did you mean `{near}`?" if near else f"{installing}; here: {listed or 'none'}",
        )


def _check_families(work: Work) -> None:
    assert work.facts is not None
    for item in work.facts.plug_ins:
        if item.kind == "family" and item.problem is not None and not work.is_poisoned("base", "model"):
            work.sink.report(
                "TW2062",
                f"the package {item} describes `{item.name}` models in a way that is not understood",
                work.value_span("base", "model"),
                item.problem,
                help=f"correct `{item.name}.family.json` in that package (docs/contributing/plug-ins.md)",
            )


RULES = (
    Rule(
        code="TW2061",
        phase=Phase.MACHINE,
        check=_check_plug_ins,
        resolved=False,
        why="What another package adds must be there before the first row is read, not found missing hours in.",
        bad="data: {rows: {filter: acme.absent}}",
        good='data: {rows: {source: "file:rows.jsonl"}}',
    ),
    Rule(
        code="TW2062",
        phase=Phase.MODEL,
        check=_check_families,
        resolved=False,
        why="Layers and sizes that are guessed make estimates and adapters of another model.",
        bad='base: {model: "dir:ill-described-model"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
)
