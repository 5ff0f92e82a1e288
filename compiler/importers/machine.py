"""The machine that a spec is planned for: what the calls say of it, else the smallest on which every step fits."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.front import compile_text
from tunewright.compiler.importers.draft import Draft, Line, Remark, Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.write import write_spec
from tunewright.spec.record import record

ASSUMED_ACCELERATOR = "a100-80gb"
#: Accelerators of one machine where a file shards its weights and does not say over how many.
ASSUMED_COUNT = 8
_LARGER = ("h200-141gb", "b300-288gb")
_TOO_SMALL, _UNSHARDED, _LEARNS_QUANTIZED = "TW3018", "TW3026", "TW3004"
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
    """Return the draft with the smallest machine that holds it, as it is where none does; `may_add`: more cards too.

    Where the weights have to be divided, 8-bit optimizer state becomes full state, which can be divided too.
    """
    for candidate in (draft, *_larger(draft, may_add=may_add)):
        codes = _codes(candidate, folder)
        if _LEARNS_QUANTIZED in codes:
            return replace(draft, refused=(*draft.refused, _quantized_base(draft)))
        if _UNSHARDED in codes and (whole := _with_whole_state(draft)) is not None:
            return fitting(whole, folder, may_add=may_add)
        if _TOO_SMALL not in codes:
            return candidate
    return draft


def _quantized_base(draft: Draft) -> Remark:
    model = next((line.origin for line in draft.lines if line.path == ("base", "model")), "base model")
    return Remark(model, "its weights are stored quantised and can't learn here; adapters on them can")


def _with_whole_state(draft: Draft) -> Draft | None:
    """Return the draft without 8-bit optimizers, or None where there are none."""
    found = [line for line in draft.lines if line.path[-1] == "optim" and "8bit" in str(line.value)]
    if not found:
        return None
    lines = [Line(line.path, "adamw_torch", f"{line.origin}; 8-bit state can't be divided") for line in found]
    remarks = [Remark(line.origin, "8-bit state can't be divided, and the weights have to be") for line in found]
    return replace(draft, lines=tuple(_replaced(draft.lines, lines)), lost=(*draft.lost, *remarks))


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


def _codes(draft: Draft, folder: Path) -> frozenset[str]:
    compilation = compile_text(write_spec(draft), name="life.yaml", base_directory=folder, variables={})
    return frozenset(item.code for item in compilation.diagnostics)
