"""Write docs/cli.md from the help of every command."""

from pathlib import Path

import click

from tunewright.client.cli.main import SECTIONS, commands

TARGET = Path(__file__).parents[1] / "docs" / "cli.md"

HEAD = """\
# The command line

Written by `scripts/gen_cli_reference.py` from the commands' own help.

| exit code | means |
|---|---|
| 0 | done |
| 1 | the spec is wrong, a gate said no, or the run failed |
| 2 | the command was not understood |
| 3 | the daemon refused |
| 4 | no daemon answers; the message says how to start one |
| 70 | a bug of Tunewright; the message says where the traceback is |
| 75 | the run is paused; `tunewright resume` lets it go on |
| 130 | interrupted or cancelled |

| variable | means |
|---|---|
| `TUNEWRIGHT_SECRETS` | file that says where secrets come from; default: `secrets.yaml` in the home |
| `TUNEWRIGHT_HOME` | folder of store, artifacts, secrets and log; default: the platform's user data folder |
| `TUNEWRIGHT_CACHE` | folder of models and environments for all homes; default: the platform's cache folder |
| `TUNEWRIGHT_POLICY` | the policy that specs are held to; see [policy.md](policy.md) |
| `TUNEWRIGHT_DAEMON` | `HOST:PORT` or `unix:PATH` of the daemon to talk to; default: that of the home |
| `TUNEWRIGHT_CONTEXTS` | the file with the contexts; default: `contexts.yaml` in the user's settings folder |
| `TUNEWRIGHT_DEBUG` | any value: show the traceback of a bug |
| `NO_COLOR` | any value: no colours |

Every command with `--daemon` also takes these, and reads `TUNEWRIGHT_CONTEXT`, `TUNEWRIGHT_TOKEN_FILE` and so on;
see [access.md](access.md):

| option | means |
|---|---|
| `--context NAME` | daemon, project and credentials of this context (`tunewright access context`) |
| `--project NAME` | the project to work in |
| `--token-file FILE` | show the token in FILE (`-`: the first line of standard input) |
| `--cert FILE`, `--key FILE` | show this certificate; its private key |
| `--ca FILE` | talk only to a daemon with a certificate of this authority |

Beside the spec nothing is written but its lock (`life.lock`), by `plan`, `run` and `submit`; `--no-lock`
leaves that out. `lock` writes it on demand; with `--locked` it is only read.
"""


def reference() -> str:
    """Return the whole document."""
    parts = [HEAD, _block("tunewright", commands.get_help(_context(commands, None, "tunewright")))]
    root = _context(commands, None, "tunewright")
    for title, section in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in section:
            parts += _command(name, commands.get_command(root, name), root)
    return "\n".join(parts)


def _command(name: str, command: click.Command | None, parent: click.Context) -> list[str]:
    assert command is not None
    context = _context(command, parent, name)
    blocks = [_block(context.command_path, command.get_help(context))]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            blocks += _command(inner, command.get_command(context, inner), context)
    return blocks


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, terminal_width=100, **command.context_settings)


def _block(title: str, text: str) -> str:
    return f"### {title}\n\n```\n{text}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
