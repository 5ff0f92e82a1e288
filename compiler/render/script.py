"""A step's launch as a shell script, for machines and batch systems that the daemon does not run on."""

import shlex
from collections.abc import Iterator, Mapping
from importlib import resources

from tunewright.compiler.ir.plan import Plan, Process, Step

#: What only the executing machine knows, as shell variables of the script.
_WORDS: Mapping[str, str] = {"{python}": '"$PYTHON"', "{bundle}": '"$BUNDLE"'}


class NothingToLaunchError(ValueError):
    """The engine itself does this step: there is no process to start."""


def render_script(plan: Plan, step: Step) -> str:
    """Return a bash script that starts what the daemon would start; raise NothingToLaunchError for gates."""
    from jinja2 import Environment, StrictUndefined

    if step.launch is None:
        raise NothingToLaunchError(f"`{step.name}` starts no process: the daemon itself does it")
    environment = Environment(  # noqa: S701 - a shell script: what varies is quoted for a shell, not for HTML
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["quoted"] = shlex.quote
    environment.filters["command"] = _command
    environment.filters["on_one_line"] = lambda text: " ".join("".join(_visible(text)).split())
    environment.filters["end_mark"] = _end_mark
    template = resources.files("tunewright.compiler.templates").joinpath("launch.sh.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(plan=plan, step=step)


def _visible(text: str) -> Iterator[str]:
    """A comment ends with its line, and a spec's words may hold one."""
    return (character if character.isprintable() else " " for character in text)


def _end_mark(text: str) -> str:
    """Return a line that no line of the text is."""
    mark = "END_OF_FILE"
    while mark in text:
        mark += "_"
    return mark


def _command(process: Process) -> str:
    """Return `env NAME=value ... program argument ...` over several lines, every word quoted."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in sorted(process.env.items())]
    words = [_word(word) for word in process.argv]
    return " \\\n  ".join(["env", *variables, " ".join(words)])


def _word(text: str) -> str:
    for placeholder, variable in _WORDS.items():
        if text == placeholder:
            return variable
    return shlex.quote(text)
