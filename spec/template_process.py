"""The process that renders a chat template once: `python -I template_process.py`, with its order as JSON on stdin.

Prints two lines of JSON: which line of what Jinja compiled belongs to which of the template, then what was found.
A template that uses up its time is ended by the kernel between the two; the fault handler tells where it stood.
"""

import faulthandler
import json
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from types import GeneratorType
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

_TURNS = (
    {"role": "system", "content": "Answer briefly."},
    {"role": "user", "content": "What is the capital of France?"},
    {"role": "assistant", "content": "Paris."},
    {"role": "user", "content": "And of Italy?"},
)
#: With and without a system prompt; asking for a reply, and as it is learnt from.
_CONVERSATIONS = ((_TURNS, True), (_TURNS[1:], True), (_TURNS[1:3], False))


class Generation(Extension):
    """`{% generation %}`, with which templates mark what the model says."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja has it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return what stands in the block."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def limit(seconds: int, size_bytes: int) -> None:
    """Bound what this process may use; whoever goes beyond has to say where."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    faulthandler.register(signal.SIGXCPU, all_threads=False, chain=True)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def environment() -> ImmutableSandboxedEnvironment:
    """Return the sandbox that transformers renders in. Nothing is computed while it compiles: that has no line."""
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        finalize=as_it_is,
        extensions=[Generation, "jinja2.ext.loopcontrols"],
    )
    made.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = lambda _: "2026-01-01"
    return made


@pass_context
def as_it_is(_: Context, value: object) -> object:
    """Return the value. As it might need the context, no expression is computed before there is one."""
    return value


def refuse(message: str) -> None:
    """Refuse the conversation, as templates may."""
    raise TemplateError(message)


def tried(template: Template, longest: int) -> str | None:
    """Return what is wrong with a template, None for one that renders or refuses each conversation."""
    for turns, asks in _CONVERSATIONS:
        written, pieces = 0, template.root_render_func(template.new_context(_given(turns, asks)))
        assert isinstance(pieces, GeneratorType)  # noqa: S101 - which says at which line it is
        try:
            for piece in pieces:
                written += len(piece)
                if written > longest:
                    frame = pieces.gi_frame
                    place = _line(template, frame.f_lineno) if frame is not None else ""
                    return f"{place}it makes more than {longest // 2**20} MiB of {len(turns)} short messages"
        except MemoryError as error:
            return f"{_raised(template, error)}it wants more memory than a conversation can need"
        except SecurityError as error:
            return f"{_raised(template, error)}it reaches for what no template may use: {error}"
        except Exception:  # noqa: BLE001, S112 - its author's words about this conversation; rows are tried elsewhere
            continue
    return None


def _given(turns: Sequence[dict[str, str]], asks: bool) -> dict[str, Any]:
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    messages = [dict(turn) for turn in turns]
    return {"messages": messages, "add_generation_prompt": asks, "tools": None, "documents": None, **tokens}


def _raised(template: Template, error: BaseException) -> str:
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == template.filename]
    return _line(template, lines[-1]) if lines else ""


def _line(template: Template, made: int) -> str:
    return f"line {template.get_corresponding_lineno(made)}: "


def main() -> int:
    """Try the template of the order."""
    order = json.load(sys.stdin)
    made = environment()
    limit(order["seconds"], order["bytes"])
    try:
        template = made.from_string(order["template"])
    except (TemplateSyntaxError, RecursionError, MemoryError):
        sys.stdout.write("[]\nnull\n")  # said where rows are rendered: it refuses every conversation
        return 0
    sys.stdout.write(json.dumps(template.debug_info) + "\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(tried(template, order["longest"])) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
