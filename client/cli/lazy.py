"""A command group that imports a command only when it is used, so that `--help` costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from textwrap import wrap
from typing import Any

import click
from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class Entry:
    """A command of the table: the module that has it as `command`, and its line in the list of commands."""

    module: str
    summary: str


#: The section whose commands are listed by name only, so that the overview stays on one screen.
ALSO = "Also"
_WIDTH = 80


class LazyGroup(click.Group):
    """A group over a table of sections: title to name to entry."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, Entry]], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.sections = sections
        self.entries = {name: entry for section in sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(entry.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the arguments; an unknown one gets a suggestion."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            from tunewright.spec.suggest import nearest

            near = nearest(name, self.entries)
            ctx.fail(f"there is no command `{name}`" + (f"; did you mean `{near}`?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write one line a command, the sections beside them: all of it fits one screen."""
        formatter.write(overview(self.help or "", self.sections))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command from the table alone."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=entry.summary)
            for name, entry in self.entries.items()
            if name.startswith(incomplete)
        ]


def overview(tagline: str, sections: Mapping[str, Mapping[str, Entry]]) -> str:
    """Return the help of the whole program."""
    lines = ["Usage: tunewright COMMAND [ARGUMENTS]     (COMMAND --help says more; --version)", tagline, ""]
    for title, section in sections.items():
        if title == ALSO:
            lines += wrap(f"{title:<8} {' '.join(section)}", width=_WIDTH, subsequent_indent=" " * 9)
            continue
        for index, (name, entry) in enumerate(section.items()):
            lines.append(f"{title if index == 0 else '':<8} {name:<12} {entry.summary}")
    return "\n".join(lines) + "\n"
