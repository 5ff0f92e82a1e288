"""apply_policy: hold the spec to the organisation's policy, which no `allow` of the spec can lower."""

from collections.abc import Iterator
from dataclasses import replace

from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.passes.work import Work
from tunewright.spec.binding import bind_policy
from tunewright.spec.canonical import digest_of
from tunewright.spec.codes import CODES, Severity
from tunewright.spec.diagnostics import Label
from tunewright.spec.document import Document, Path
from tunewright.spec.model.document import Step
from tunewright.spec.model.policy import Policy
from tunewright.spec.record import record
from tunewright.spec.source import Span
from tunewright.spec.suggest import nearest
from tunewright.spec.syntax import parse, plain_value


def apply_policy(work: Work) -> Work:
    """Report what the policy forbids and make its errors errors; what is wrong with the policy itself is found too."""
    if work.policy is None or work.spec is None:
        return work
    root = parse(work.policy, work.sink)
    policy = None if root is None else bind_policy(Document(work.policy, root), work.sink)
    if root is None or policy is None:
        return work
    court = _Court(work, policy, Document(work.policy, root))
    court.raise_warnings()
    court.judge_sources()
    court.judge_steps()
    return replace(work, governed={"name": policy.name, "digest": digest_of(plain_value(root))})


@record
class _Court:
    """One policy and the spec that it is held against."""

    work: Work
    policy: Policy
    text: Document

    def raise_warnings(self) -> None:
        """Make warnings errors; say where a code of the policy is none that can be raised."""
        for index, code in enumerate(self.policy.errors):
            span = self.text.value_span(("errors", index))
            if code not in CODES:
                near = nearest(code, CODES)
                self.work.sink.report(
                    "TW7110", f"there is no code {code}", span, help=f"did you mean `{near}`?" if near else None
                )
            elif CODES[code].severity is Severity.ERROR:
                self.work.sink.report("TW7110", f"{code} is an error already", span, help="take it out")
            else:
                self.work.sink.escalate(code, f"the policy `{self.policy.name}` makes it an error: no `allow` holds")

    def judge_sources(self) -> None:
        """Look at where models, data and questions come from, and what code they bring."""
        spec, forbid = self.work.spec, self.policy.forbid
        assert spec is not None
        if forbid.remote_code and spec.base.trust_remote_code:
            self._forbid("TW7101", "code of a model's folder may not run", ("base", "trust_remote_code"), "remote_code")
        for path, source in self._sources():
            hub = source.partition("://")[0]
            if hub in forbid.hubs:
                self._forbid("TW7103", f"nothing may come from `{hub}://`", path, "hubs")
            elif forbid.unpinned_sources and source.startswith(("hf://", "ms://")) and "@" not in source:
                self._forbid("TW7102", f"`{source}` names no revision", path, "unpinned_sources")
        if not forbid.public_benchmarks:
            return
        for name, suite in spec.suites.items():
            if suite.benchmark is not None:
                self._forbid_benchmark(suite.benchmark, ("suites", name, "benchmark"))
        for name, step in spec.steps.items():
            for index, suite_name in enumerate(step.evaluate.suites if step.evaluate else ()):
                if suite_name in BENCHMARKS and suite_name not in spec.suites:
                    self._forbid_benchmark(suite_name, ("steps", name, "evaluate", "suites", index))

    def judge_steps(self) -> None:
        """Look at what steps use, and at who must have agreed before them."""
        assert self.work.spec is not None
        for name, step in self.work.spec.steps.items():
            self._judge_tools(name, step)
            fewest = self.policy.require.approvers
            if step.approve is not None and fewest is not None and (step.approve.approvers or 1) < fewest:
                found = "1 approver" if (step.approve.approvers or 1) == 1 else f"{step.approve.approvers} approvers"
                path: Path = ("steps", name, "approve", "approvers")
                self._require("TW7107", f"{found}, where {fewest} must agree", path, "approvers")
            if step.deploy is not None:
                self._judge_release(name)

    def _judge_tools(self, name: str, step: Step) -> None:
        forbid = self.policy.forbid
        resolved = self.work.resolved.step(name) if self.work.resolved is not None else None
        engine = getattr(resolved.body, "engine", None) if resolved is not None and step.deploy is not None else None
        if engine in forbid.engines:
            path: Path = ("steps", name, "deploy", "engine")
            self._forbid("TW7104", f"nothing may be served with `{engine}`", path, "engines")
        quantize = step.export.quantize if step.export else None
        if quantize is not None and quantize.method in forbid.quantization:
            path = ("steps", name, "export", "quantize", "method")
            self._forbid("TW7106", f"no model may be quantised with `{quantize.method}`", path, "quantization")

    def _judge_release(self, name: str) -> None:
        require, path = self.policy.require, ("steps", name)
        above = list(self._above(name))
        if require.approval_before_deploy and not any(step.approve is not None for step in above):
            self._require("TW7108", f"`{name}` goes live without anybody's agreement", path, "approval_before_deploy")
        stops = any(step.gate is not None and step.gate.on_fail != "alert" for step in above)
        if require.gate_before_deploy and not stops:
            self._require("TW7109", f"`{name}` goes live without a gate", path, "gate_before_deploy")

    def _above(self, name: str) -> Iterator[Step]:
        """Yield every step that must be done before a step."""
        assert self.work.spec is not None
        needs = self.work.references.needs if self.work.references is not None else {}
        seen: set[str] = set()
        waiting = list(needs.get(name, ()))
        while waiting:
            current = waiting.pop()
            if current not in seen and current in self.work.spec.steps:
                seen.add(current)
                yield self.work.spec.steps[current]
                waiting += needs.get(current, ())

    def _sources(self) -> Iterator[tuple[Path, str]]:
        assert self.work.spec is not None
        yield ("base", "model"), self.work.spec.base.model
        for name, step in self.work.spec.steps.items():
            for inside, model in step.train.other_models() if step.train else ():
                if ":" in model:
                    yield ("steps", name, "train", *inside), model
        for name, data in self.work.spec.data.items():
            for index, source in enumerate(data.source):
                yield ("data", name, "source", index), source

    def _forbid_benchmark(self, name: str, path: Path) -> None:
        self._forbid("TW7105", f"the public benchmark `{name}` may not be used", path, "public_benchmarks")

    def _forbid(self, code: str, message: str, path: Path, key: str) -> None:
        self._report(code, message, self.work.value_span(*path), ("forbid", key))

    def _require(self, code: str, message: str, path: Path, key: str) -> None:
        where = self.work.key_span(*path) if len(path) == 2 else self.work.value_span(*path)
        self._report(code, message, where, ("require", key))

    def _report(self, code: str, message: str, span: Span, rule: Path) -> None:
        # The warning about the same thing has been said by this error.
        self.work.sink.withdraw(span, frozenset({"TW2019", "TW4011", "TW7002", "TW7005"}))
        label = Label(self.text.value_span(rule), f"the policy `{self.policy.name}` says so")
        self.work.sink.report(
            code, message, span, labels=[label], help="change the spec, or ask those who keep the policy"
        )
