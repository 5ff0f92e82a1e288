"""A real daemon whose compiler reads plans: `spec text` is a plan's JSON, so that tests say exactly what is executed.

Text that begins with `error:` gets that error as its only diagnostic.
"""

import json
import sys

from tunewright.compiler.ir.plan import plan_from_json
from tunewright.daemon.__main__ import settings_from
from tunewright.daemon.app import serve
from tunewright.daemon.compile import Compiled, Submitted
from tunewright.spec.diagnostics import Diagnostic, Label
from tunewright.spec.source import SourceFile, Span


def read_plan(submitted: Submitted) -> Compiled:
    """Return the plan that the text is, or an error about all of the text."""
    if submitted.text.startswith("error:"):
        source = SourceFile(submitted.path, submitted.text)
        place = Label(Span(source, 0, len(submitted.text)))
        item = Diagnostic(code="TW0001", message=submitted.text.removeprefix("error:").strip(), primary=place)
        return Compiled(plan=None, diagnostics=(item,))
    return Compiled(plan=plan_from_json(json.loads(submitted.text)), diagnostics=())


if __name__ == "__main__":
    sys.exit(serve(settings_from(sys.argv[1:]), compiler=read_plan))
