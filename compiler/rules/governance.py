"""Families 7 and 8 (and 1, for secrets): what may be run, who must agree, what must not stand in a spec."""

import re
from collections.abc import Iterator

from tunewright.compiler.passes import machine
from tunewright.compiler.passes.secrets import ANY_REFERENCE, REFERENCE, SECRET_KEYS
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.codes import CODES, Severity
from tunewright.spec.document import Path
from tunewright.spec.syntax import MappingNode, Node, ScalarNode, SequenceNode

_SECRET_SHAPES = re.compile(
    r"hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AKIA[0-9A-Z]{16}|xox[baprs]-[A-Za-z0-9-]{10,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY|https?://[^/\s:@]+:[^/\s@]+@"
)
_CRON_FIELD = re.compile(r"(?:\*|\d+(?:-\d+)?)(?:/\d+)?(?:,(?:\*|\d+(?:-\d+)?)(?:/\d+)?)*\Z")
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def _texts(node: Node, path: Path = ()) -> Iterator[tuple[Path, ScalarNode]]:
    match node:
        case MappingNode():
            for name, entry in node.entries.items():
                yield from _texts(entry.value, (*path, name))
        case SequenceNode():
            for index, item in enumerate(node.items):
                yield from _texts(item, (*path, index))
        case ScalarNode() if isinstance(node.value, str):
            yield path, node


def _check_secrets(work: Work) -> None:
    assert work.document is not None
    for path, node in _texts(work.document.root):
        text = str(node.value)
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        if key in SECRET_KEYS and not ANY_REFERENCE.fullmatch(text):
            work.sink.report(
                "TW1016",
                f"`{key}` holds a secret in clear text",
                node.span,
                "would be copied into plans and logs",
                help=f"store it with `tunewright secret set NAME` and write `{key}: ${{secret:NAME}}`",
            )
        elif _SECRET_SHAPES.search(text):
            work.sink.report(
                "TW1016",
                "this looks like a secret in clear text",
                node.span,
                help="store it with `tunewright secret set NAME` and write `${secret:NAME}`",
            )


def _check_references(work: Work) -> None:
    assert work.document is not None
    assert work.facts is not None
    for path, node in _texts(work.document.root):
        for match in ANY_REFERENCE.finditer(str(node.value)):
            found = REFERENCE.fullmatch(match.group())
            key = next((part for part in reversed(path) if isinstance(part, str)), "")
            if found is None:
                work.sink.report(
                    "TW1017",
                    f"`{match.group()}` is no reference",
                    node.span,
                    help="write `${secret:NAME}`; NAME has letters, digits and `_`",
                )
            elif found.group(1) == "env" and key in SECRET_KEYS:
                work.sink.report(
                    "TW1017",
                    f"`{key}` can't come from a variable",
                    node.span,
                    "it would stand in the plan",
                    help=f"store it with `tunewright secret set {found.group(2)}` and write "
                    f"`${{secret:{found.group(2)}}}`",
                )
            elif found.group(1) == "env":
                continue  # unset variables were reported when they were filled in
            elif key not in SECRET_KEYS and not work.is_poisoned(*path):
                work.sink.report(
                    "TW1017",
                    f"`{key}` can't hold a secret",
                    node.span,
                    "it would stand in the plan",
                    help="secrets belong in `token` and `api_key`",
                )
            elif work.facts.secrets_known is not None and found.group(2) not in work.facts.secrets_known:
                work.sink.report(
                    "TW8003",
                    f"there is no secret `{found.group(2)}`",
                    node.span,
                    help=f"store it: `tunewright secret set {found.group(2)}`",
                )


def _check_remote_code(work: Work) -> None:
    assert work.spec is not None
    model = machine.base_model(work)
    span = work.value_span("base", "trust_remote_code")
    if work.is_poisoned("base", "trust_remote_code"):
        return
    if work.spec.base.trust_remote_code:
        work.sink.report(
            "TW7002",
            "Python code of the model's folder will run",
            span,
            help="accept it with `allow: [{code: TW7002, reason: ...}]` after reading that code",
        )
    elif model.remote_code:
        work.sink.report(
            "TW7001",
            "the base model needs Python code from its own folder",
            work.value_span("base", "model"),
            help="read that code, then write `trust_remote_code: true`, or use a model that needs none",
        )


def _check_allow(work: Work) -> None:
    assert work.spec is not None
    for index, allow in enumerate(work.spec.allow):
        path = ("allow", index, "code")
        if allow.code not in CODES:
            work.sink.report(
                "TW7004",
                f"there is no code {allow.code}",
                work.value_span(*path),
                help="`tunewright explain --codes` lists them",
            )
        elif CODES[allow.code].severity is Severity.ERROR:
            work.sink.report(
                "TW7003",
                f"{allow.code} is an error and can't be allowed",
                work.value_span(*path),
                help="mend what it points at",
            )


def _check_approvers(work: Work) -> None:
    assert work.resolved is not None
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        if step.approve is not None and step.approve.approvers == 1:
            work.sink.report(
                "TW7005",
                "one approver alone decides",
                work.value_span("steps", name, "approve", "approvers"),
                help="four eyes see more: `approvers: 2`",
            )


def _check_triggers(work: Work) -> None:
    assert work.spec is not None
    triggers = work.spec.triggers
    if triggers is None:
        return
    if triggers.schedule is not None and (problem := _cron_problem(triggers.schedule)):
        work.sink.report(
            "TW7006",
            f"not a schedule: {problem}",
            work.value_span("triggers", "schedule"),
            help="five fields: minute hour day-of-month month day-of-week, such as `0 3 1,15 * *`",
        )
    work.sink.report(
        "TW7007",
        "triggers are planned but do not start runs yet",
        work.key_span("triggers"),
        help="start runs by hand or from your own scheduler: `tunewright run`",
    )


def _cron_problem(text: str) -> str | None:
    fields = text.split()
    if len(fields) != 5:
        return f"{len(fields)} fields instead of 5"
    for field, (low, high) in zip(fields, _CRON_RANGES, strict=True):
        if not _CRON_FIELD.match(field):
            return f"`{field}` is no field"
        numbers = [int(number) for number in re.findall(r"(?<!/)\b\d+", re.sub(r"/\d+", "", field))]
        if any(not low <= number <= high for number in numbers):
            return f"`{field}` is outside {low}-{high}"
    return None


RULES = (
    Rule(
        code="TW1016",
        phase=Phase.TEXT,
        check=_check_secrets,
        resolved=False,
        why="What stands in a spec is copied into plans, logs and evidence.",
        bad='base: {token: "hf_abcdefghijklmnopqrstuvwxyz"}',
        good='base: {token: "${secret:HUB}"}',
    ),
    Rule(
        code="TW1017",
        phase=Phase.TEXT,
        check=_check_references,
        resolved=False,
        why="A reference that can't be read, or that would put a secret into the plan.",
        bad='description: "${secret:HUB}"',
        good='base: {token: "${secret:HUB}"}',
    ),
    Rule(
        code="TW7001",
        phase=Phase.MODEL,
        check=_check_remote_code,
        resolved=False,
        why="Code that comes with weights runs with your rights: it must be a decision.",
        bad='base: {model: "dir:custom-model"}',
        good='{base: {model: "dir:custom-model", trust_remote_code: true}, allow: [{code: TW7002, reason: "read '
        'and found harmless"}]}',
    ),
    Rule(
        code="TW7002",
        phase=Phase.TEXT,
        why="Running foreign code is allowed, but never without a trace.",
        bad="base: {trust_remote_code: true}",
        good="base: {trust_remote_code: false}",
    ),
    Rule(
        code="TW7003",
        phase=Phase.TEXT,
        check=_check_allow,
        resolved=False,
        why="Errors mean that the result would be wrong; nobody can accept that.",
        bad="allow: [{code: TW2010, reason: we know about it}]",
        good="allow: [{code: TW2019, reason: pinned by our mirror}]",
    ),
    Rule(
        code="TW7004",
        phase=Phase.TEXT,
        why="An exception for a code that does not exist excepts nothing.",
        bad="allow: [{code: TW7999, reason: we know about it}]",
        good="allow: [{code: TW2019, reason: pinned by our mirror}]",
    ),
    Rule(
        code="TW7005",
        phase=Phase.TEXT,
        check=_check_approvers,
        why="Regulators ask for four eyes.",
        bad="steps: {sign: {approve: {role: risk, approvers: 1}}}",
        good="steps: {sign: {approve: {role: risk, approvers: 2}}}",
    ),
    Rule(
        code="TW7006",
        phase=Phase.TEXT,
        check=_check_triggers,
        resolved=False,
        why="A schedule that can't be read never fires.",
        bad='triggers: {schedule: "0 25 * * *"}',
        good='triggers: {schedule: "0 3 1,15 * *"}',
    ),
    Rule(
        code="TW7007",
        phase=Phase.TEXT,
        follows=("triggers.schedule", "triggers.data_changed"),
        why="Nothing pretends: a trigger that is only planned says so.",
        bad='triggers: {schedule: "0 3 1,15 * *"}',
        good="description: cron calls `tunewright run` at three in the morning",
    ),
    Rule(
        code="TW8003",
        phase=Phase.MACHINE,
        why="A missing secret is found before hours of work, not when it is needed.",
        bad='# nobody has called `tunewright secret set HUB`\nbase: {token: "${secret:HUB}"}\n',
        good='# after `tunewright secret set HUB`\nbase: {token: "${secret:HUB}"}\n',
    ),
)
