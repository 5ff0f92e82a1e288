"""What is known of a thing that a spec names, in Markdown: shown by hover and beside completions."""

import re

from tunewright.client.lsp.names import Kind
from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import DataFacts, ModelFacts
from tunewright.compiler.ir.plan import Estimate
from tunewright.compiler.render.plain import clean
from tunewright.compiler.render.quantities import counted, rough_duration, size

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def code(text: str) -> str:
    """Return text as Markdown code, whatever is in it."""
    shown = clean(text).replace("\n", " ")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def plain(text: str) -> str:
    """Return text that must not be read as Markdown."""
    return _SPECIAL.sub(r"\\\1", clean(text))


def table_row(name: str, value: str, origin: str) -> str:
    """Return a row of a Markdown table; a bar inside code ends the cell unless it is escaped."""
    shown = code(value).replace("|", "\\|")
    return f"| {code(name)} | {shown} | {plain(origin)} |"


def about(kind: Kind, name: str, compilation: Compilation | None) -> str:
    """Return what is known of a step, a data set, a suite or the base model; empty when nothing is."""
    if compilation is None:
        return ""
    match kind:
        case Kind.STEP:
            return about_step(name, compilation)
        case Kind.DATA:
            facts = compilation.facts.data.get(name) if compilation.facts else None
            return _about_rows(facts) if facts else ""
        case Kind.SUITE:
            facts = compilation.facts.suites.get(name) if compilation.facts else None
            if facts is None and name in BENCHMARKS:
                return f"public benchmark, task {code(BENCHMARKS[name].task)} of lm-evaluation-harness"
            return _about_rows(facts) if facts else ""
        case Kind.BASE:
            return about_base(compilation)


def about_step(name: str, compilation: Compilation) -> str:
    """Return what a step does, what it needs, and what it is expected to take."""
    resolved = compilation.resolved.step(name) if compilation.resolved else None
    if resolved is None:
        return ""
    planned = next((step for step in compilation.plan.steps if step.name == name), None) if compilation.plan else None
    lines = [f"**{resolved.verb}**" + (f": {plain(planned.summary)}" if planned and planned.summary else "")]
    if resolved.needs:
        lines.append(f"after {', '.join(code(need) for need in resolved.needs)}")
    if words := estimate_words(resolved.estimate):
        lines.append(f"expected: {words}")
    if resolved.estimate.breakdown:
        parts = ", ".join(f"{name} {size(count)}" for name, count in resolved.estimate.breakdown.items())
        lines.append(f"of it: {parts}")
    if planned and planned.not_executable:
        lines.append(f"not executable: {plain(planned.not_executable)}")
    return "\n\n".join(lines)


def estimate_words(estimate: Estimate) -> str:
    """Return `2.1 GB of 24 GB, about 5m 00s`; empty when nothing is estimated."""
    words = []
    if estimate.memory_bytes is not None:
        capacity = f" of {size(estimate.capacity_bytes)}" if estimate.capacity_bytes else ""
        words.append(f"{size(estimate.memory_bytes)}{capacity}")
    if estimate.seconds is not None:
        words.append(f"about {rough_duration(estimate.seconds)}")
    return ", ".join(words)


def about_base(compilation: Compilation) -> str:
    """Return what is known of the base model."""
    models = compilation.facts.models if compilation.facts else {}
    return "\n\n".join(_about_model(model) for model in models.values())


def _about_model(model: ModelFacts) -> str:
    if model.problem:
        return plain(model.problem)
    facts = [model.model_type] if model.model_type else []
    if model.num_parameters:
        facts.append(f"{model.num_parameters / 1e9:.2f} billion weights")
    if model.num_hidden_layers:
        facts.append(counted(model.num_hidden_layers, "layer"))
    if model.max_position_embeddings:
        facts.append(f"context of {model.max_position_embeddings:,} tokens")
    if model.quantization:
        facts.append(model.quantization)
    lines = [f"{code(model.source)}: {plain(', '.join(facts)) or 'nothing is known of it'}"]
    if model.linear_modules:
        lines.append(f"linear layers: {', '.join(code(name) for name in model.linear_modules)}")
    if model.origin == "catalogue":
        lines.append("its shape is known; its files are fetched when a run needs them")
    return "\n\n".join(lines)


def _about_rows(facts: DataFacts) -> str:
    if facts.remote:
        return "on a hub: not looked into"
    words = counted(facts.rows, "row")
    if facts.format and facts.format != "suite":
        words += f", {facts.format}"
    if facts.median_characters:
        words += (
            f"; {facts.median_characters:,} characters in the middle one, {facts.longest_characters:,} in the longest"
        )
    if facts.problem_count:
        words += f"; {counted(facts.problem_count, 'row')} can't be used"
    return words
