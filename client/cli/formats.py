"""The forms that findings and plans are shown in: for people, for editors, for the services that build and review."""

from collections.abc import Callable, Sequence

from tunewright.compiler.render.report import CheckedSpec

#: Forms that other programs read: one document over all specs, written as it is.
REPORTS = ("sarif", "github", "gitlab", "junit")

FORMS = ("full", "concise", "json", *REPORTS)

Renderer = Callable[[Sequence[CheckedSpec]], str]


def report_text(form: str, reports: Sequence[CheckedSpec]) -> str:
    """Return the findings in one of REPORTS."""
    return _renderer(form)(reports)


def _renderer(form: str) -> Renderer:
    match form:
        case "sarif":
            from tunewright.compiler.render.sarif import render_sarif

            return render_sarif
        case "github":
            from tunewright.compiler.render.github import render_github

            return render_github
        case "gitlab":
            from tunewright.compiler.render.gitlab import render_gitlab

            return render_gitlab
        case _:
            from tunewright.compiler.render.junit import render_junit

            return render_junit
