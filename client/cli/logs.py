"""`tunewright logs`: what a step's runner wrote."""

import codecs
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import show, show_bytes

if TYPE_CHECKING:
    from tunewright.client.values import LogChunk, Run


@click.command(epilog="Example: tunewright logs 20261121-225549-ab12 sft -f")
@click.argument("run", default="", metavar="[RUN]")
@click.argument("step", default="", metavar="[STEP]")
@click.option("-f", "--follow", is_flag=True, help="Go on until the attempt ends; Ctrl-C leaves.")
@click.option("--stdout", "stream", flag_value="stdout", help="Standard output instead of standard error.")
@click.option("--attempt", type=click.IntRange(min=1), help="Another attempt than the last one.")
@click.option("--raw", is_flag=True, help="The very bytes; on a terminal they may do what terminals can be told to.")
@daemon_option
def command(
    run: str, step: str, follow: bool, stream: str | None, attempt: int | None, raw: bool, target: str | None
) -> int:
    """Print what STEP of RUN wrote: by default of the newest run, the step that runs or failed.

    Control characters are written out (`\\x1b[31m`), also those of colours.
    """
    from tunewright.client.cli.watch import newest_run

    with opened(target) as client:
        detail = client.get_run(run or newest_run(client))
        name = step or step_of_interest(detail.run)
        chunks = client.logs(detail.run.id, name, attempt=attempt or 0, stream=stream or "stderr", follow=follow)
        try:
            if raw:
                for chunk in chunks:
                    show_bytes(chunk.data)
            else:
                for text in readable(chunks):
                    show(text, end="")
        except KeyboardInterrupt:
            return exits.INTERRUPTED
    return exits.OK


def step_of_interest(run: "Run") -> str:
    """Return the step that runs, else the one that failed, else the last one begun; raise CommandError for none."""
    begun = [step for step in run.steps if step.attempt]
    for states in (("running", "starting", "cancelling", "retrying"), ("failed",)):
        for step in begun:
            if step.state in states:
                return step.step
    if not begun:
        raise CommandError(
            f"no step of run {run.id} has written anything",
            help="reused steps have their logs in the run that did them",
        )
    return begun[-1].step


def readable(chunks: Iterable["LogChunk"]) -> Iterator[str]:
    """Yield text of raw log bytes: characters cut in two are joined, bars drawn over themselves become lines."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    held = ""
    for chunk in chunks:
        text = held + decoder.decode(chunk.data)
        held = "\r" if text.endswith("\r") else ""
        yield _lines(text.removesuffix("\r") if held else text)
    yield _lines(held + decoder.decode(b"", final=True))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
