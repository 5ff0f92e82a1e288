"""Choose how a training step is spread: estimate what the hardware allows, take the fastest that fits."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from tunewright.compiler.estimate.fit import Fit, fit_of
from tunewright.compiler.estimate.footprint import train_memory
from tunewright.compiler.estimate.memory import device_capacity
from tunewright.compiler.estimate.parameters import has_shape
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.time import train_time
from tunewright.compiler.estimate.trained import trained_parameters
from tunewright.compiler.ir.facts import DataFacts, HardwareFacts, ModelFacts
from tunewright.compiler.ir.resolved import Alternative, ResolvedParallelism, ResolvedTrain
from tunewright.spec.record import record
from tunewright.spec.tuners import TUNERS

_GIB = 2**30
#: From the simplest to the one with the most moving parts: of two equally fast ones the earlier is taken.
_ORDER = ("single", "ddp", "zero2", "fsdp2", "zero3", "zero3 with offload")
_DEEPSPEED_DEVICES = frozenset({"cuda", "npu"})
#: Times within this ratio of the best count as equal.
_EQUALLY_FAST = 1.05
#: Share of the host's memory that offloaded states may take.
_HOST_SHARE = 0.9
#: Rows that a comparison of times assumes when the data says nothing.
_ASSUMED_ROWS = 10_000


@record(kw_only=True)
class _Candidate:
    name: str
    layout: ResolvedParallelism
    memory_bytes: int
    capacity_bytes: int
    host_bytes: int
    host_capacity_bytes: int
    seconds: float

    @property
    def fit(self) -> Fit:
        if self.lacks_host_memory:
            return Fit.TOO_LARGE
        return fit_of(self.memory_bytes, self.capacity_bytes)

    @property
    def lacks_host_memory(self) -> bool:
        return 0 < self.host_capacity_bytes < self.host_bytes

    @property
    def excess(self) -> float:
        """How many times the memory there is would be needed."""
        host = self.host_bytes / self.host_capacity_bytes if self.lacks_host_memory else 0.0
        return max(self.memory_bytes / self.capacity_bytes, host)


def choose(
    train: ResolvedTrain, model: ModelFacts, hardware: HardwareFacts, data: Iterable[DataFacts] = ()
) -> ResolvedParallelism:
    """Return a step's parallelism, all settled, with the reason and what was not taken; what is written is kept."""
    written = train.parallelism
    if written.strategy == "auto" and _has_model_parallelism(written):
        written = replace(written, strategy="megatron")
    if written.strategy != "auto":
        return _completed(written, train, hardware)
    if train.device == "cpu" or hardware.accelerator is None:
        return _on_processor(written, train, hardware)
    processes = written.processes or hardware.accelerator.count * hardware.nodes
    if not has_shape(model):
        strategy = _simplest(train, processes)
        processes = 1 if strategy == "single" else processes
        reason = f"model size unknown: {strategy} is what works for most models on {_count(processes)}"
        return _completed(replace(written, strategy=strategy, processes=processes, reason=reason), train, hardware)
    return _compared(train, model, hardware, RowLengths.of(data), processes)


def _simplest(train: ResolvedTrain, processes: int) -> str:
    order = ("ddp", "zero2", "single") if train.tuner.is_adapter else ("zero2", "ddp", "single")
    allowed = TUNERS[train.tuner.type].strategies
    return "single" if processes == 1 else next(name for name in order if name in allowed)


# An editor compiles with every keystroke, and a keystroke changes one step.
@lru_cache(maxsize=1024)
def _compared(
    train: ResolvedTrain, model: ModelFacts, hardware: HardwareFacts, rows: RowLengths, processes: int
) -> ResolvedParallelism:
    """Return the best layout of all that are worth an estimate."""
    timed = rows.rows is not None and train.max_steps is None
    # Strategies are compared over the same rows: a step of eight processes does eight times the work of one.
    settled, rows = replace(train, max_steps=None), replace(rows, rows=rows.rows or _ASSUMED_ROWS)
    layouts = _layouts(train.parallelism, train, hardware, processes)
    candidates = [_candidate(settled, layout, model, hardware, rows) for layout in layouts]
    return _best(candidates, _ruled_out(train, processes), timed=timed)


def _layouts(
    written: ResolvedParallelism, train: ResolvedTrain, hardware: HardwareFacts, processes: int
) -> Iterator[ResolvedParallelism]:
    """Yield the layouts worth an estimate, the simplest first."""
    base = _completed(replace(written, processes=processes, strategy="zero2"), train, hardware)
    if written.offloads:
        if written.offload_parameters == "none" and written.offload_optimizer == "cpu":
            yield base
        yield replace(base, strategy="zero3")
        return
    if not written.processes or processes == 1:
        yield replace(base, strategy="single", processes=1, nodes=1)
    allowed = TUNERS[train.tuner.type].strategies
    divided = [layout for layout in _divided(base, train, processes) if layout.strategy in allowed]
    # Several processes are written and the tuner learns in one: a rule says so.
    yield from divided or ([replace(base, strategy="ddp")] if written.processes > 1 else [])


def _divided(base: ResolvedParallelism, train: ResolvedTrain, processes: int) -> Iterator[ResolvedParallelism]:
    if processes > 1:
        yield replace(base, strategy="ddp")
        yield base
        if train.device == "cuda" and not train.tuner.is_adapter:
            yield replace(base, strategy="fsdp2")
        yield replace(base, strategy="zero3")
    if train.device in _DEEPSPEED_DEVICES:
        yield replace(base, strategy="zero3", offload_optimizer="cpu", offload_parameters="cpu")


def _ruled_out(train: ResolvedTrain, processes: int) -> tuple[Alternative, ...]:
    tuner = TUNERS[train.tuner.type]
    if processes == 1:
        return ()
    if tuner.base_bits is not None:
        reason = "a base in 4 bits is not cut into shards here: each process holds all of it"
        return (Alternative(strategy="zero3", reason=reason), Alternative(strategy="fsdp2", reason=reason))
    if tuner.makes_adapter and "fsdp2" in tuner.strategies:
        return (Alternative(strategy="fsdp2", reason="a frozen base is sharded with zero3 here"),)
    reason = f"{tuner.word} does not learn right with what it works on in shards"
    return tuple(
        Alternative(strategy=name, reason=reason)
        for name in ("ddp", "zero2", "fsdp2", "zero3")
        if name not in tuner.strategies
    )


def _candidate(
    train: ResolvedTrain, layout: ResolvedParallelism, model: ModelFacts, hardware: HardwareFacts, rows: RowLengths
) -> _Candidate:
    tried = replace(train, parallelism=layout)
    memory = train_memory(tried, model, rows)
    time = train_time(tried, model, hardware, rows, trained_parameters(tried.tuner, model))
    offloaded = bool(layout.offloads)
    return _Candidate(
        name=f"{layout.strategy} with offload" if offloaded else layout.strategy,
        layout=layout,
        memory_bytes=memory.device_bytes,
        capacity_bytes=device_capacity(tried, hardware) or 1,
        host_bytes=memory.host_bytes,
        host_capacity_bytes=int(_HOST_SHARE * hardware.memory_bytes),
        seconds=time.seconds if time else 0.0,
    )


def _best(candidates: list[_Candidate], ruled_out: tuple[Alternative, ...], *, timed: bool) -> ResolvedParallelism:
    """Return the best candidate's layout; `timed` False: times compare but mean nothing by themselves."""
    for wanted in (Fit.FITS, Fit.TIGHT):
        usable = [item for item in candidates if item.fit is wanted]
        if usable:
            fastest = min(item.seconds for item in usable)
            equal = [item for item in usable if item.seconds <= fastest * _EQUALLY_FAST]
            chosen = min(equal, key=lambda item: _rank(item.name))
            takes = f" and takes about {_duration(chosen.seconds)}" if timed else ""
            reason = f"{_needs(chosen)}{takes}, the fastest that fits"
            if wanted is Fit.TIGHT:
                reason = f"{_needs(chosen)}: tight, but nothing else fits better"
            break
    else:
        chosen = min(candidates, key=lambda item: item.excess)
        reason = f"nothing fits; this comes closest: {_needs(chosen)}"
    alternatives = [
        Alternative(strategy=item.name, reason=_against(item, chosen, timed=timed))
        for item in candidates
        if item is not chosen
    ]
    return replace(chosen.layout, reason=reason, alternatives=(*alternatives, *ruled_out))


def _against(item: _Candidate, chosen: _Candidate, *, timed: bool) -> str:
    if item.fit is Fit.TOO_LARGE:
        return f"{_needs(item)}: does not fit"
    if item.fit is Fit.TIGHT and chosen.fit is Fit.FITS:
        return f"{_needs(item)}: tight"
    if item.seconds > chosen.seconds * _EQUALLY_FAST:
        if not timed:
            return f"{_needs(item)}, but takes {item.seconds / chosen.seconds:.1f} times as long"
        return f"{_needs(item)}, but takes about {_duration(item.seconds)} instead of {_duration(chosen.seconds)}"
    return f"{_needs(item)} and is no faster, with more moving parts"


def _completed(written: ResolvedParallelism, train: ResolvedTrain, hardware: HardwareFacts) -> ResolvedParallelism:
    """Return a layout of a known strategy with processes and machines filled in."""
    here = hardware.accelerator.count if hardware.accelerator and train.device != "cpu" else 0
    if written.strategy == "single":
        processes = 1
    elif here:
        processes = written.processes or here * hardware.nodes
    else:
        processes = written.processes or min(2, max(1, hardware.cpu_cores))
    nodes = written.nodes
    if nodes == 1 and here and processes > here:
        nodes = -(-processes // here)
    reason = written.reason or "written in the spec"
    return replace(written, processes=processes, nodes=nodes, reason=reason)


def _on_processor(written: ResolvedParallelism, train: ResolvedTrain, hardware: HardwareFacts) -> ResolvedParallelism:
    if written.processes > 1:
        reason = f"{written.processes} processes are written and there is no accelerator: data parallel is the simplest"
        return _completed(replace(written, strategy="ddp", reason=reason), train, hardware)
    if written.offloads:
        return _completed(replace(written, strategy="zero3", processes=1, reason="offload is written"), train, hardware)
    reason = f"no accelerator: one process with {train.threads} threads has all there is"
    several = Alternative(strategy="ddp", reason="several processes would share the same cores and each hold the model")
    return replace(written, strategy="single", processes=1, nodes=1, reason=reason, alternatives=(several,))


def _has_model_parallelism(layout: ResolvedParallelism) -> bool:
    degrees = (layout.tensor_parallel, layout.pipeline_parallel, layout.context_parallel, layout.expert_parallel)
    return max(degrees) > 1


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _needs(item: _Candidate) -> str:
    device = f"{_gib(item.memory_bytes)} of {_gib(item.capacity_bytes)} on {_count(item.layout.processes)}"
    if item.lacks_host_memory:
        return f"{device}, and {_gib(item.host_bytes)} of the host where {_gib(item.host_capacity_bytes)} can be used"
    return device


def _count(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
