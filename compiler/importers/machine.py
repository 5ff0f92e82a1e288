"""The machine that a spec is planned for: what the calls say of it, else the smallest on which every step fits."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.front import compile_text
from tunewright.compiler.importers.draft import Draft, Line, Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.write import write_spec
from tunewright.spec.record import record

ASSUMED_ACCELERATOR = "a100-80gb"
#: Accelerators of one machine where a file shards its weights and does not say over how many.
ASSUMED_COUNT = 8
_LARGER = ("h200-141gb", "b300-288gb")
_TOO_SMALL = "TW3018"
_ACCELERATOR, _COUNT = ("resources", "accelerator"), ("resources", "count")


@record(kw_only=True)
class Machine:
    """The machine to write into the spec: an accelerator of the table, `none` for no machine, None for a guess."""

    accelerator: str | None = None
    count: int | None = None


def write_machine(life: Life, machine: Machine) -> None:
    """Write the accelerators that the user states or the calls ask for."""
    if machine.accelerator == "none" or not life.drafting.names("steps"):
        return
    count, why = machine.count, "as asked for"
    if count is None and life.processes:
        count, why = life.processes, "one for each process"
    elif count is None:
        count = ASSUMED_COUNT if life.sharded else 1
        why = "the file says no number" + ("; sharding needs several" if life.sharded else "")
    name = machine.accelerator or ASSUMED_ACCELERATOR
    whence = "as asked for" if machine.accelerator else "the file names none: write yours"
    life.drafting.put(_ACCELERATOR, Said(name, whence))
    life.drafting.put(_COUNT, Said(count, why))
    if life.nodes and life.nodes > 1:
        life.drafting.put(("resources", "nodes"), Said(life.nodes, "NNODES"))
    said = life.processes or machine.count or count == 1
    rows = "" if said else f"; with {count} the rows of a step are {count} times a process's"
    life.drafting.assume("resources", f"remove the section to plan for the machine at hand{rows}")


def fitting(draft: Draft, folder: Path, *, may_add: bool) -> Draft:
    """Return the draft with the smallest machine that holds it, as it is where none does; `may_add`: more cards too."""
    if _fits(draft, folder):
        return draft
    return next((larger for larger in _larger(draft, may_add=may_add) if _fits(larger, folder)), draft)


def _larger(draft: Draft, *, may_add: bool) -> Iterator[Draft]:
    why = "the file names none; on a smaller one a step does not fit"
    for count in (None, ASSUMED_COUNT) if may_add else (None,):
        for accelerator in (ASSUMED_ACCELERATOR, *_LARGER):
            lines = [Line(_ACCELERATOR, accelerator, why)]
            lines += [Line(_COUNT, count, "the file says no number; on fewer a step does not fit")] if count else []
            yield replace(draft, lines=tuple(_replaced(draft.lines, lines)))


def _replaced(lines: Iterable[Line], by: list[Line]) -> Iterator[Line]:
    new = {line.path: line for line in by}
    for line in lines:
        yield new.get(line.path, line)


def _fits(draft: Draft, folder: Path) -> bool:
    compilation = compile_text(write_spec(draft), name="life.yaml", base_directory=folder, variables={})
    return all(item.code != _TOO_SMALL for item in compilation.diagnostics)
