"""Families 7 and 8: what an organisation's policy says, and what the lock holds a spec to. Two passes report these."""

from tunewright.compiler.rules.rule import Phase, Rule

_MODEL = "hf://Qwen/Qwen2.5-0.5B-Instruct"


def _forbidden(code: str, why: str, policy: str, bad: str, good: str) -> Rule:
    """Return a rule of a policy: `policy` is the line in it that a spec with `bad` breaks."""
    return Rule(code=code, phase=Phase.TEXT, why=why, bad=f"# the policy: {policy}\n{bad}\n", good=f"{good}\n")


def _drifted(code: str, phase: Phase, why: str, what: str) -> Rule:
    """Return a rule of the lock: `what` changed after it was written."""
    good = f"# {what}\n# `tunewright lock` writes a new lock; look at the difference, and keep it in version control\n"
    return Rule(
        code=code, phase=phase, why=why, bad=f"# {what}\n# `tunewright check --locked` with the old lock\n", good=good
    )


RULES = (
    _forbidden(
        "TW7101",
        "Code from a model's folder runs with the rights of the runner.",
        "forbid: {remote_code: true}",
        'base: {model: "dir:custom-model", trust_remote_code: true}',
        f'base: {{model: "{_MODEL}"}}',
    ),
    _forbidden(
        "TW7102",
        "What has no revision can be exchanged between the review and the run.",
        "forbid: {unpinned_sources: true}",
        f'base: {{model: "{_MODEL}"}}',
        f'base: {{model: "{_MODEL}@7ae557604adf67be50417f59c2c2f167def9a775"}}',
    ),
    _forbidden(
        "TW7103",
        "Some hubs are out of bounds, for reasons of law or of supply.",
        "forbid: {hubs: [hf]}",
        f'base: {{model: "{_MODEL}"}}',
        'base: {model: "dir:models/qwen2.5-0.5b"}',
    ),
    _forbidden(
        "TW7104",
        "An organisation answers for the engines that it serves with.",
        "forbid: {engines: [embedded]}",
        "steps: {serve: {deploy: {model: pack, engine: embedded}}}",
        "steps: {serve: {deploy: {model: pack, engine: vllm}}}",
    ),
    _forbidden(
        "TW7105",
        "Models may have been trained on public questions: such a mark proves little.",
        "forbid: {public_benchmarks: true}",
        "steps: {exam: {evaluate: {model: sft, suites: [mmlu]}}}",
        "steps: {exam: {evaluate: {model: sft, suites: [our_questions]}}}",
    ),
    _forbidden(
        "TW7106",
        "Some methods cost more quality than an organisation accepts.",
        "forbid: {quantization: [bnb]}",
        "steps: {pack: {export: {model: sft, quantize: {method: bnb}}}}",
        "steps: {pack: {export: {model: sft, quantize: {method: gptq}}}}",
    ),
    _forbidden(
        "TW7107",
        "How many people must agree is not for those to decide who ask them.",
        "require: {approvers: 2}",
        "steps: {sign: {approve: {role: risk, approvers: 1}}}",
        "steps: {sign: {approve: {role: risk, approvers: 2}}}",
    ),
    _forbidden(
        "TW7108",
        "Nothing goes live that nobody answers for.",
        "require: {approval_before_deploy: true}",
        "steps:\n  serve: {deploy: {model: sft}}",
        "steps:\n  sign: {approve: {role: risk, approvers: 2}}\n  serve: {deploy: {model: sft}}",
    ),
    _forbidden(
        "TW7109",
        "A gate that stops is what keeps a worse model from customers.",
        "require: {gate_before_deploy: true}",
        "steps:\n  serve: {deploy: {model: sft}}",
        'steps:\n  good: {gate: {require: "exam.quiz.exact >= 0.8"}}\n  serve: {deploy: {model: sft}}',
    ),
    _forbidden(
        "TW7110",
        "A policy that names no warning raises nothing: better said than believed.",
        "errors: [TW2001]",
        "# TW2001 is an error already",
        "# the policy: errors: [TW2019]",
    ),
    _drifted(
        "TW7201",
        Phase.MODEL,
        "Another base model is another result, whatever its name says.",
        "a file of the base model's folder was replaced",
    ),
    _drifted(
        "TW7202",
        Phase.DATA,
        "Other rows are another result; rows of a suite decide what a number means.",
        "a row was added to a data file",
    ),
    _drifted(
        "TW7203",
        Phase.DATA,
        "A schema that changed measures something else under the same name.",
        "a JSON schema of a suite was edited",
    ),
    _drifted(
        "TW7204",
        Phase.TEXT,
        "Variables, accepted warnings and the policy are part of what was reviewed.",
        "`${env:TEAM}` has another value than when the lock was written",
    ),
    _drifted(
        "TW7205",
        Phase.TEXT,
        "A lock that can't be read holds nothing, and must not pass for one that does.",
        "a merge left conflict marks in `life.lock`",
    ),
    _drifted(
        "TW8201",
        Phase.MACHINE,
        "Other versions of packages compute other numbers.",
        "the environment `train` has other packages",
    ),
    _drifted(
        "TW8202",
        Phase.TEXT,
        "Another compiler or other defaults may mean something else by the same spec.",
        "Tunewright was updated, and a default changed with it",
    ),
)
