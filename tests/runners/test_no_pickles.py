"""Nothing of ours loads what may be a program: a pickle is one, whoever wrote it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("client", "compiler", "daemon", "runners", "spec")
MODULES = frozenset({"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"})
#: What passes through a pipe between two processes of ours never was in anybody else's hands.
OWN_PIPES = frozenset({"daemon/aside.py"})


def loads_programs(source: str) -> list[str]:
    """Return what of a file may execute what it reads, by line."""
    return [f"line {line}: {what}" for line, what in _found(ast.parse(source))]


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names if name.name.partition(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES:
                yield node.lineno, module
            case ast.ImportFrom(module="torch", names=names):
                yield from ((node.lineno, "load without its module") for name in names if name.name == "load")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load"), keywords=keywords):
                if not _says(keywords, "weights_only", True):
                    yield node.lineno, "torch.load without weights_only=True"
            case ast.Call(func=ast.Attribute(attr="load" | "read_pickle"), keywords=keywords):
                if _says(keywords, "allow_pickle", True) or node.func.attr == "read_pickle":
                    yield node.lineno, "a pickle"


def _says(keywords: list[ast.keyword], name: str, value: bool) -> bool:
    values = [word.value for word in keywords if word.arg == name]
    return any(isinstance(item, ast.Constant) and item.value is value for item in values)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_loads_programs(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): problems
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (problems := loads_programs(path.read_text(encoding="utf-8")))
    }
    assert set(found) == {name for name in OWN_PIPES if name.startswith(f"{folder}/")}, found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "def f():\n    import torch\n    return torch.load('x', map_location='cpu')",
        "torch.load('x', weights_only=False)",
        "torch.load('x', weights_only=chosen)",
        "np.load('x', allow_pickle=True)",
    ],
)
def test_what_loads_programs_is_found(source: str) -> None:
    assert loads_programs(source)


def test_what_loads_tensors_is_not() -> None:
    assert not loads_programs("torch.load('x', weights_only=True)\nnp.load('x')\njson.load(stream)")
