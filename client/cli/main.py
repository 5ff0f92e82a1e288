"""`tunewright`: the table of commands, and what happens to whatever goes wrong in one."""

import gc
import os
import sys
from collections.abc import Sequence

# Looking for pydantic's plugins reads the metadata of every installed package: 50 ms that no command has use for.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")

import click

import tunewright
from tunewright.client.cli import exits
from tunewright.client.cli.lazy import ALSO, Entry, LazyGroup
from tunewright.spec.garbage import expect_little_garbage

_COMMANDS = "tunewright.client.cli"

SECTIONS = {
    "Specs": {
        "init": Entry(f"{_COMMANDS}.init", "write a small sound spec to start from"),
        "check": Entry(f"{_COMMANDS}.check", "find everything wrong with a spec; starts nothing"),
        "plan": Entry(f"{_COMMANDS}.plan", "show what a run would do with each step, and why"),
        "explain": Entry(f"{_COMMANDS}.explain", "explain a finding, or where a value comes from"),
    },
    "Runs": {
        "run": Entry(f"{_COMMANDS}.run", "run a spec and follow it to the end"),
        "submit": Entry(f"{_COMMANDS}.submit", "start a run and leave it to the daemon"),
        "runs": Entry(f"{_COMMANDS}.runs", "list runs, newest first"),
        "watch": Entry(f"{_COMMANDS}.watch", "follow a run, or see how one ended"),
        "logs": Entry(f"{_COMMANDS}.logs", "print what a step wrote"),
        "pause": Entry(f"{_COMMANDS}.pause", "let a run rest at its next checkpoint"),
        "resume": Entry(f"{_COMMANDS}.resume", "go on with a paused run, as it was or with another setting"),
        "cancel": Entry(f"{_COMMANDS}.cancel", "stop a run; finished steps are kept"),
        "retry": Entry(f"{_COMMANDS}.retry", "do what failed again, from the last checkpoint"),
    },
    "Results": {
        "artifacts": Entry(f"{_COMMANDS}.artifacts", "list what steps left behind, by digest"),
        "models": Entry(f"{_COMMANDS}.models", "list models and adapters with their folders"),
        "deployments": Entry(f"{_COMMANDS}.deployments", "list services and their addresses"),
        "stop": Entry(f"{_COMMANDS}.stop", "stop a service, all of them, or the daemon"),
    },
    "Machine": {
        "daemon": Entry(f"{_COMMANDS}.daemon", "run the daemon; its status, maintenance and backup"),
        "env": Entry(f"{_COMMANDS}.env", "list, install or choose the runners' environments"),
    },
    ALSO: {
        "queue": Entry(f"{_COMMANDS}.queue", "show who waits for the machine, and who has it"),
        "priority": Entry(f"{_COMMANDS}.priority", "make a run more or less urgent"),
        "import": Entry(f"{_COMMANDS}.import_", "turn settings or commands of other frameworks into a spec"),
        "lock": Entry(f"{_COMMANDS}.lock", "write down what a spec rests on, for --locked"),
        "migrate": Entry(f"{_COMMANDS}.migrate", "bring a spec of an older version of the language to this one"),
        "schema": Entry(f"{_COMMANDS}.schema", "print the language's JSON Schema, for editors"),
        "lsp": Entry(f"{_COMMANDS}.lsp", "check and complete specs in an editor, which starts it"),
        "alerts": Entry(f"{_COMMANDS}.alerts", "list, retry and test what tells people of runs"),
        "access": Entry(f"{_COMMANDS}.access", "decide who may call a daemon, and with what"),
        "secret": Entry(f"{_COMMANDS}.secret", "keep tokens and keys that specs refer to"),
        "devices": Entry(f"{_COMMANDS}.devices", "list accelerators and who has them"),
        "gc": Entry(f"{_COMMANDS}.gc", "remove files that nothing keeps any more"),
        "hold": Entry(f"{_COMMANDS}.hold", "keep a run or an artifact from being removed"),
        "top": Entry(f"{_COMMANDS}.top", "show what runs, waits and serves, on one screen"),
        "completion": Entry(f"{_COMMANDS}.completion", "print the completion script of a shell"),
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    help="One spec, the whole life of a language model, with proof.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.version_option(tunewright.__version__, prog_name="tunewright", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Show the overview when no command is given."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    expect_little_garbage()
    code = run_command(sys.argv[1:] if arguments is None else arguments)
    # The interpreter looks through every object several times before it ends, for garbage that ends with it anyway.
    gc.freeze()
    sys.exit(code)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing but SystemExit of a shell completion gets out."""
    try:
        answer = commands.main(list(arguments), prog_name="tunewright", standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return exits.INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    except Exception as error:
        from tunewright.client.cli.failures import explain_failure

        return explain_failure(error)
    return answer if isinstance(answer, int) else exits.OK
