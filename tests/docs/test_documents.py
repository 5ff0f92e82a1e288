"""The documentation is true: its YAML compiles, its commands exist, its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.client.cli.main import SECTIONS
from tunewright.compiler.pipeline import new_work, read
from tunewright.compiler.render.full import render_full
from tunewright.spec.binding import bind_policy
from tunewright.spec.diagnostics import DiagnosticSink, Severity
from tunewright.spec.document import Document
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
COMMAND = re.compile(r"(?:^|[`\s])tunewright ([a-z]+)(?=[\s`]|$)", re.MULTILINE)
TARGET = re.compile(r"(?:^|[`\s])make ([a-z-]+)(?=[\s`]|$)", re.MULTILINE)


def blocks(document: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(document.read_text(encoding="utf-8")) if kind == language]


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def policy_findings(text: str, name: str) -> list[str]:
    sink, source = DiagnosticSink(), SourceFile(name, text)
    root = parse(source, sink)
    assert root is not None
    bind_policy(Document(source, root), sink)
    return [item.message for item in sink]


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_whole_specs_in_documents_are_sound(document: Path) -> None:
    for text in blocks(document, "yaml"):
        if "api_version: tunewright/policy/" in text:
            assert not policy_findings(text, document.name)
        elif "api_version:" in text and "tunewright/access/" not in text:
            work = read(new_work(text, document.name))
            errors = [item for item in work.sink if item.severity is Severity.ERROR]
            assert not errors, render_full(errors)


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_commands_in_documents_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    code = "\n".join(
        [
            *re.findall(r"`[^`\n]+`", text),
            *(body for kind, body in BLOCK.findall(text) if kind in ("console", "sh", "bash")),
        ]
    )

    assert set(COMMAND.findall(code)) <= {name for section in SECTIONS.values() for name in section}


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_links_in_documents_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (document.parent / target).exists()]

    assert not missing


def test_make_targets_in_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target for document in DOCUMENTS for block in blocks(document, "console") for target in TARGET.findall(block)
    }

    assert named <= known


def test_import_package_lists_agree() -> None:
    """A folder has one link under src/ (editable installs) and one line in the wheel's list."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    links = {path.name: path.readlink() for path in (ROOT / "src" / "tunewright").iterdir() if path.is_symlink()}

    assert {name: f"tunewright/{name}" for name in links} == listed
    assert all(str(target) == f"../../{name}" for name, target in links.items())


@pytest.mark.parametrize("package", ["spec", "compiler.front", "daemon.app", "client.api", "client.cli.main"])
def test_control_plane_never_imports_the_heavy_libraries(package: str) -> None:
    script = (
        f"import sys, tunewright.{package}\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'deepspeed', 'vllm', 'datasets', 'numpy'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
