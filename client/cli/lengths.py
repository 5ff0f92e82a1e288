"""What `plan` takes the time for and `check` does not: how long the rows are in tokens, and what follows from it."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunewright.client import places
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import is_terminal, remark
from tunewright.client.cli.specs import base_directory, world
from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.tokens import Counting, TokenRequest, collect_tokens
from tunewright.compiler.front import Compilation, compile_text
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.plan import Plan
from tunewright.compiler.render.rows_text import rows_lines


def measured(
    compilation: Compilation, path: str, *, profile: str | None, sets: tuple[str, ...], policy: str | None
) -> Compilation:
    """Compile again, knowing the tokens of the rows: with better estimates and with findings about rows that are cut.

    The plan to run stays the one of `compilation`: what was counted never changes a step, nor a digest.
    """
    wanted = token_requests(compilation)
    if not wanted or compilation.spec is None or compilation.facts is None:
        return compilation
    source = compilation.spec.base.model
    model = compilation.facts.models.get(source, ModelFacts(source=source, origin="unknown"))
    tokens = collect_tokens(model, wanted, _counting(path))
    return compile_text(
        compilation.source.text,
        name=compilation.source.name,
        base_directory=base_directory(path),
        profile=profile,
        sets=sets,
        tokens=tokens,
        lock=compilation.lock,
        locked=compilation.locked,
        **world(policy),
    )


def tell_more(compilation: Compilation, *, than: Compilation) -> None:
    """Print what was found only because tokens were counted; end the command when a policy makes that an error."""
    known = {(item.code, item.primary.span.start) for item in than.diagnostics}
    fresh = [item for item in compilation.diagnostics if (item.code, item.primary.span.start) not in known]
    if fresh:
        from tunewright.compiler.render.concise import render_concise

        remark(render_concise(fresh))
    if compilation.has_errors:
        raise CommandError(f"{compilation.source.name} has errors; nothing was started")


def length_lines(compilation: Compilation) -> list[str]:
    """Return the lines about rows under the table of a plan."""
    if compilation.resolved is None or compilation.facts is None:
        return []
    return rows_lines(compilation.resolved, compilation.facts)


def token_requests(compilation: Compilation) -> dict[str, TokenRequest]:
    """Return the local data sets that steps learn from, as the first step reads each."""
    if compilation.spec is None or compilation.facts is None or compilation.resolved is None:
        return {}
    wanted: dict[str, TokenRequest] = {}
    for _, train in compilation.resolved.trains():
        for name in train.data:
            facts, written = compilation.facts.data.get(name), compilation.spec.data[name]
            form = written.format or (facts.format if facts else None)
            if name in wanted or facts is None or facts.remote or not facts.rows or form is None:
                continue
            wanted[name] = TokenRequest(
                facts=facts,
                format=form,
                columns=written.columns,
                replace=written.replace,
                prompt_template=written.prompt_template,
                limit=written.limit,
                system_prompt=train.system_prompt,
            )
    return wanted


def with_estimates_of(plan: Plan, measured: Plan | None) -> Plan:
    """Return a plan, to be drawn, with the estimates that the counted tokens gave the same steps."""
    if measured is None:
        return plan
    better = {step.digest: step.estimate for step in measured.steps}
    return replace(
        plan, steps=tuple(replace(step, estimate=better.get(step.digest, step.estimate)) for step in plan.steps)
    )


def length_values(compilation: Compilation) -> Mapping[str, Any]:
    """Return the counted lengths by data set, as JSON."""
    tokens = compilation.facts.tokens if compilation.facts is not None else {}
    return {
        name: {"rows": item.rows, "unknown": item.unknown}
        if item.unknown
        else {
            "rows": item.rows,
            "rows_looked_at": item.looked_at,
            "tokens": {
                "mean": round(item.mean, 1),
                "p50": item.percentile(0.5),
                "p90": item.percentile(0.9),
                "p99": item.percentile(0.99),
                "longest": item.longest,
            },
        }
        for name, item in tokens.items()
    }


def _counting(path: str) -> Counting:
    from tunewright.runners.environments import interpreter

    return Counting(
        python=interpreter("train", places.environments()),
        converted=places.cache() / "models",
        base_directory=base_directory(path),
        cache=FactCache(),
        report=remark if is_terminal(sys.stderr) else lambda _: None,
    )
