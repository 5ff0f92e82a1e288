"""The wire: committed stubs, a listing of the API that reviewers read, and what every element must have."""

import importlib.util
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from google.protobuf.descriptor_pool import Default

from tunewright.daemon.errors import REASONS

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "proto" / "tunewright" / "v1").glob("*.proto"))
GOLDEN = ROOT / "tests" / "golden" / "api.txt"
#: The descriptors of the last release, by `buf build`.
RELEASED = ROOT / "tests" / "golden" / "api-released.binpb"


def files() -> list[FileDescriptor]:
    for path in SOURCES:
        importlib.import_module(f"tunewright.proto.v1.{path.stem}_pb2")
    return [Default().FindFileByName(f"tunewright/v1/{path.name}") for path in SOURCES]


def listing() -> str:
    """Return the API in a compact form: one line an rpc, a field, an enum value."""
    lines = []
    for file in files():
        for service in file.services_by_name.values():
            for method in service.methods:
                stream = "stream " if method.server_streaming else ""
                rpc = f"{method.name}({method.input_type.name}) -> {stream}{method.output_type.name}"
                lines.append(f"{service.full_name}.{rpc}")
        for message in file.message_types_by_name.values():
            lines += message_lines(message)
        for enum in file.enum_types_by_name.values():
            lines += enum_lines(enum)
    return "\n".join(lines) + "\n"


def message_lines(message: Descriptor) -> list[str]:
    lines = [f"{message.full_name}"] if not message.fields else []
    for field in message.fields:
        kind = field.message_type or field.enum_type
        name = kind.full_name if kind else field.type
        repeated = "repeated " if field.is_repeated else ""
        lines.append(f"{message.full_name}.{field.name} = {field.number}: {repeated}{name}")
    return lines


def enum_lines(enum: EnumDescriptor) -> list[str]:
    return [f"{enum.full_name}.{value.name} = {value.number}" for value in enum.values]


def test_api_is_the_one_that_was_agreed_on() -> None:
    """Additions are made by regenerating the file; a removal or a changed number breaks clients."""
    assert listing() == GOLDEN.read_text(), f"if the change is wanted: python -P {Path(__file__).name} in tests/proto"


def test_stubs_load_with_the_package_they_lie_in() -> None:
    for path in SOURCES:
        module = importlib.import_module(f"tunewright.proto.v1.{path.stem}_pb2")
        assert module.DESCRIPTOR.package == "tunewright.v1"
        interface = (ROOT / "proto" / "v1" / f"{path.stem}_pb2.pyi").read_text()
        assert "tunewright.v1." not in interface


def test_stubs_are_what_the_sources_generate() -> None:
    if importlib.util.find_spec("grpc_tools") is None:
        pytest.skip("grpcio-tools lives in an environment of its own: `make proto` makes and checks")
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "gen_protos.py"), "--check"], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


def buf(*arguments: str, cwd: Path = ROOT / "proto") -> "subprocess.CompletedProcess[str]":
    """Run buf; skip where it is not installed."""
    program = Path(sys.executable).with_name("buf")
    if not program.exists():
        pytest.skip("buf is part of the `dev` group")
    return subprocess.run([str(program), *arguments], cwd=cwd, capture_output=True, text=True)


def test_lint() -> None:
    done = buf("lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_was_released_is_broken() -> None:
    """`RELEASED` is built anew with every release, never to make this pass: docs/api.md says how."""
    done = buf("breaking", "--against", str(RELEASED))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_break_would_be_noticed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "proto" / "tunewright" / "v1" / "run.proto"
    path.write_text(path.read_text().replace("uint64 last_sequence = 11;", "uint64 last_sequence = 31;"))
    done = buf("breaking", "--against", str(RELEASED), cwd=tmp_path / "proto")
    assert done.returncode == 100
    assert '"11" with name "last_sequence" on message "Run" was deleted' in done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_element_has_a_comment(path: Path) -> None:
    lines = [line.strip() for line in path.read_text().splitlines()]
    heads = ("message ", "enum ", "service ", "rpc ")
    for before, line in pairwise(lines):
        element = line.startswith(heads) or (line.endswith(";") and " = " in line and not line.startswith("syntax"))
        if element:
            assert before.startswith("//"), f"{path.name}: `{line}` has no comment"


def test_reasons_named_in_comments_are_those_of_the_table() -> None:
    text = "\n".join(path.read_text() for path in SOURCES)
    unused = [reason for reason in REASONS if reason not in text and reason not in ("INTERNAL", "STORE_BUSY")]
    assert unused == []


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(listing())
