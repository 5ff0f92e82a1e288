"""Make the stubs under proto/v1/ from proto/tunewright/v1/*.proto, or check (`--check`) that the committed ones are
what would be made.

Run it with the interpreter of an environment that holds the `proto` dependency group: an old grpcio-tools on purpose,
because generated
code loads on the protobuf runtime it was made with and on every later one, never on an earlier one.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "proto"
STUBS = ROOT / "proto" / "v1"


def main() -> int:
    """Write or compare the stubs; exit with 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    made = generate()
    committed = {path.name: path.read_text(encoding="utf-8") for path in STUBS.glob("*_pb2*")}
    if check:
        changed = sorted(name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name))
        for name in changed:
            print(f"proto/v1/{name} is not what proto/tunewright/v1 generates; run `make proto`")
        return 1 if changed else 0
    for name in committed.keys() - made.keys():
        (STUBS / name).unlink()
    for name, text in made.items():
        (STUBS / name).write_text(text, encoding="utf-8")
    return 0


def generate() -> dict[str, str]:
    """Return file name -> text of every stub, with imports that fit the folder they lie in."""
    names = sorted(path.relative_to(SOURCES).as_posix() for path in (SOURCES / "tunewright" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python")]
        outputs += [f"--{kind}_out=quiet:{folder}" for kind in ("mypy", "mypy_grpc")]
        plugins = Path(sys.executable).parent
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCES}", *outputs, *names]
        for plugin in ("protoc-gen-mypy", "protoc-gen-mypy_grpc"):
            command.insert(3, f"--plugin={plugin}={plugins / plugin}")
        subprocess.run(command, check=True, cwd=folder)
        written = sorted(Path(folder).rglob("*_pb2*"))
        return {path.name: _at_home(path.read_text(encoding="utf-8")) for path in written if _serves(path)}


def _serves(path: Path) -> bool:
    """A file without services gets an empty gRPC stub: nobody needs that."""
    return "_pb2_grpc" not in path.name or path.name.split("_pb2_grpc")[0].endswith("_service")


def _at_home(text: str) -> str:
    """Let imports name `tunewright.proto.v1`; descriptors keep the package name `tunewright.v1`."""
    text = re.sub(r"^(from|import) tunewright\.v1\b", r"\1 tunewright.proto.v1", text, flags=re.MULTILINE)
    return re.sub(r"\btunewright\.v1\.(\w+_pb2)\b", r"tunewright.proto.v1.\1", text)


if __name__ == "__main__":
    sys.exit(main())
