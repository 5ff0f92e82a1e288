"""`tunewright completion`: what a shell needs to complete commands and options."""

import click
from click.shell_completion import get_completion_class

from tunewright.client.cli import exits


@click.command(epilog='Example: eval "$(tunewright completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the completion script of SHELL; load it from the shell's start file."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root()
    click.echo(kind(root.command, {}, "tunewright", "_TUNEWRIGHT_COMPLETE").source())
    return exits.OK
