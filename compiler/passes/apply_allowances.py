"""apply_allowances: warnings that the spec accepts, with a reason, leave the findings and enter the lock."""

from dataclasses import replace

from tunewright.compiler.passes.work import Work


def apply_allowances(work: Work) -> Work:
    """Take the accepted warnings out; errors can't be accepted, a rule says so."""
    assert work.spec is not None
    reasons = {allow.code: allow.reason for allow in work.spec.allow}
    accepted = work.sink.accept(frozenset(reasons))
    return replace(work, allowed={code: reasons[code] for code in sorted(accepted)})
