"""Help: one screen a command with an example, and the reference in docs/cli.md."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from scripted.desk import golden

from tunewright.client.cli.main import SECTIONS, commands

REFERENCE = Path(__file__).parents[3] / "docs" / "cli.md"
NAMES = [name for section in SECTIONS.values() for name in section]


def help_of(*path: str) -> str:
    """Return the help text of a command as a terminal of 100 columns shows it."""
    context = click.Context(commands, info_name="tunewright", terminal_width=100, **commands.context_settings)
    command: click.Command = commands
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(context, name)
        assert found is not None
        context, command = click.Context(found, info_name=name, parent=context, terminal_width=100), found
    return command.get_help(context)


def subcommands() -> list[tuple[str, ...]]:
    """Return the paths of all commands below the groups of commands."""
    found = []
    for name in NAMES:
        command = commands.get_command(click.Context(commands), name)
        assert command is not None
        inner = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
        found += [(name,), *((name, sub) for sub in inner)]
    return found


def test_overview_is_one_screen() -> None:
    text = help_of()
    assert text == golden("overview.txt", text)
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("path", subcommands(), ids=" ".join)
def test_each_command_fits_one_screen_and_has_an_example(path: tuple[str, ...]) -> None:
    text = help_of(*path)
    own, _, below = text.partition("\nCommands:\n")
    assert len(own.splitlines()) <= 24, "what it does and takes is on one screen, the commands of a group below"
    assert len(below.splitlines()) <= 24
    assert "Example" in text
    assert f"tunewright {path[0]}" in text[text.index("Example") :]


@pytest.mark.parametrize("path", subcommands(), ids=" ".join)
def test_each_command_is_in_the_reference_as_it_is(path: tuple[str, ...]) -> None:
    assert help_of(*path) in REFERENCE.read_text(encoding="utf-8"), "run scripts/gen_cli_reference.py"


def test_without_a_command_the_overview_is_shown() -> None:
    done = subprocess.run([sys.executable, "-P", "-m", "tunewright"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: tunewright COMMAND")
