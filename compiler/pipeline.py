"""The passes in their order: the only place where it is written."""

from collections.abc import Callable, Mapping

from tunewright.compiler.passes.apply_allowances import apply_allowances
from tunewright.compiler.passes.apply_defaults import apply_defaults
from tunewright.compiler.passes.apply_policy import apply_policy
from tunewright.compiler.passes.apply_profile import apply_profile
from tunewright.compiler.passes.bind import bind
from tunewright.compiler.passes.check_rules import check_rules
from tunewright.compiler.passes.choose_kernels import choose_kernels
from tunewright.compiler.passes.choose_parallelism import choose_parallelism
from tunewright.compiler.passes.estimate import estimate
from tunewright.compiler.passes.fill_variables import fill_variables
from tunewright.compiler.passes.hold_to_lock import hold_to_lock
from tunewright.compiler.passes.link import link
from tunewright.compiler.passes.lower_deploy import lower_deploy
from tunewright.compiler.passes.lower_evaluate import lower_evaluate
from tunewright.compiler.passes.lower_export import lower_export
from tunewright.compiler.passes.lower_fetch import lower_fetch
from tunewright.compiler.passes.lower_gate import lower_gate
from tunewright.compiler.passes.lower_prepare import lower_prepare
from tunewright.compiler.passes.lower_tokens import lower_tokens
from tunewright.compiler.passes.lower_train import lower_train
from tunewright.compiler.passes.parse import parse
from tunewright.compiler.passes.resolve_references import resolve_references
from tunewright.compiler.passes.seal import seal
from tunewright.compiler.passes.work import Work
from tunewright.spec.source import SourceFile, Span

Pass = Callable[[Work], Work]

#: Text to Spec: needs nothing but the text.
READING: tuple[Pass, ...] = (parse, apply_profile, fill_variables, bind, resolve_references)

#: Spec and Facts to ResolvedSpec, checked.
RESOLVING: tuple[Pass, ...] = (
    apply_defaults,
    choose_parallelism,
    choose_kernels,
    estimate,
    check_rules,
    apply_policy,
    apply_allowances,
)

#: ResolvedSpec to Plan: only when nothing is wrong.
LOWERING: tuple[Pass, ...] = (
    lower_fetch,
    lower_prepare,
    lower_tokens,
    lower_train,
    lower_evaluate,
    lower_gate,
    lower_export,
    lower_deploy,
    link,
    seal,
    hold_to_lock,
)


def read(work: Work) -> Work:
    """Run the passes that need only the text; the spec is None when too little of it is usable."""
    for each in READING:
        if each is not parse and work.document is None:
            break
        if each is resolve_references and work.spec is None:
            break
        work = run(each, work)
    return work


def compile_work(work: Work) -> Work:
    """Run the passes that need facts; the plan is None when there are errors."""
    return lower(resolve(work))


def resolve(work: Work) -> Work:
    """Run the passes that need facts and find what is wrong."""
    if work.spec is None or work.facts is None:
        return work
    for each in RESOLVING:
        work = run(each, work)
    return work


def lower(work: Work) -> Work:
    """Run the passes that make the plan; it is None when there are errors."""
    if work.sink.has_errors or work.resolved is None:
        return work
    for each in LOWERING:
        work = run(each, work)
    return work


def run(each: Pass, work: Work) -> Work:
    """Run a pass. An exception in it is our bug, never the user's: it becomes one finding that names the pass."""
    try:
        return each(work)
    except Exception as error:
        work.sink.report(
            "TW9001",
            f"the compiler failed in `{each.__name__}`: {type(error).__name__}: {error}",
            Span(work.source, 0, 0),
            help="this is a bug of Tunewright: please report it with the spec",
        )
        return work


def new_work(
    text: str,
    name: str,
    *,
    profile: str | None = None,
    sets: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
    policy: SourceFile | None = None,
    lock: SourceFile | None = None,
    locked: bool = False,
) -> Work:
    """Return the work that the passes begin with."""
    return Work(
        source=SourceFile(name, text),
        profile=profile,
        sets=sets,
        variables=variables or {},
        policy=policy,
        lock=lock,
        locked=locked,
    )
