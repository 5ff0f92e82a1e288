"""Families 7 and 8: what an organisation's policy says, and what the lock holds a spec to. Two passes report these."""

from tunewright.compiler.rules.rule import Phase, Rule


def _explained(code: str, phase: Phase, why: str) -> Rule:
    """Return a rule that no spec alone can break: it takes a policy, or a lock."""
    return Rule(code=code, phase=phase, why=why, bad="", good="")


RULES = (
    _explained("TW7101", Phase.TEXT, "Code from a model's folder runs with the rights of the runner."),
    _explained("TW7102", Phase.TEXT, "What has no revision can be exchanged between the review and the run."),
    _explained("TW7103", Phase.TEXT, "Some hubs are out of bounds, for reasons of law or of supply."),
    _explained("TW7104", Phase.TEXT, "An organisation answers for the engines that it serves with."),
    _explained("TW7105", Phase.TEXT, "Models may have been trained on public questions: such a mark proves little."),
    _explained("TW7106", Phase.TEXT, "Some methods cost more quality than an organisation accepts."),
    _explained("TW7107", Phase.TEXT, "How many people must agree is not for those to decide who ask them."),
    _explained("TW7108", Phase.TEXT, "Nothing goes live that nobody answers for."),
    _explained("TW7109", Phase.TEXT, "A gate that stops is what keeps a worse model from customers."),
    _explained("TW7110", Phase.TEXT, "A policy that names no warning raises nothing: better said than believed."),
    _explained("TW7201", Phase.MODEL, "Another base model is another result, whatever its name says."),
    _explained("TW7202", Phase.DATA, "Other rows are another result; rows of a suite decide what a number means."),
    _explained("TW7203", Phase.DATA, "A schema that changed measures something else under the same name."),
    _explained("TW7204", Phase.TEXT, "Variables, accepted warnings and the policy are part of what was reviewed."),
    _explained("TW7205", Phase.TEXT, "A lock that can't be read holds nothing, and must not pass for one that does."),
    _explained("TW8201", Phase.MACHINE, "Other versions of packages compute other numbers."),
    _explained("TW8202", Phase.TEXT, "Another compiler or other defaults may mean something else by the same spec."),
)
