"""Family 2, what other packages add: named here, offered by what is installed."""

from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.model.document import named_plug_ins
from tunewright.spec.plug_ins import GROUPS
from tunewright.spec.suggest import nearest

_SHOWN = 6


def _check_plug_ins(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    environment = work.facts.environments.get("train")
    if environment is None or not environment.installed:
        return  # Nothing is known: before the step starts, its environment is asked for anyway.
    for kind, name, path in named_plug_ins(work.spec):
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
)
