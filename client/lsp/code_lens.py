"""textDocument/codeLens: above each step its line of the plan; and the command that answers with the whole plan."""

from lsprotocol import types

from tunewright.client.lsp.about import estimate_words
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.compiler.ir.plan import Plan
from tunewright.compiler.render.plain import clean_line
from tunewright.compiler.render.plan_text import render_plan
from tunewright.compiler.render.step_text import render_step

SHOW_PLAN = "tunewright.showPlan"


def code_lenses(snapshot: Snapshot) -> list[types.CodeLens]:
    """Return one lens a step; none while the spec has errors and so no plan."""
    compilation = snapshot.compilation
    plan = compilation.plan if compilation is not None else None
    document = compilation.document if compilation is not None else None
    if plan is None or document is None:
        return []
    written = document.node(("steps",))
    names = getattr(written, "entries", {})
    return [
        types.CodeLens(
            range=snapshot.range_of(names[step.name].key),
            command=types.Command(
                title=_title(step.verb, step.summary, estimate_words(step.estimate)),
                command=SHOW_PLAN,
                arguments=[snapshot.uri, step.name],
            ),
        )
        for step in plan.steps
        if step.name in names
    ]


def show_plan(snapshot: Snapshot, step_name: str | None) -> str | None:
    """Return the text of the plan, or of one of its steps; None while there is no plan."""
    plan = snapshot.compilation.plan if snapshot.compilation is not None else None
    if plan is None:
        return None
    if step_name is None:
        return render_plan(plan, (), spec=snapshot.path.name)
    return _step_text(plan, step_name)


def _step_text(plan: Plan, name: str) -> str | None:
    step = next((step for step in plan.steps if step.name == name), None)
    return render_step(plan, step) if step is not None else None


def _title(verb: str, summary: str, estimate: str) -> str:
    return clean_line(f"{verb}: " + ", ".join(part for part in (summary, estimate) if part))
