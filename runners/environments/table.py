"""THE table of environments, and what identifies one."""

import hashlib
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tunewright.spec.record import record


@record(kw_only=True)
class Environment:
    """One environment: what it is for and how it is installed.

    `no_deps`: the requirement file is the whole closed set, so pip is told not to resolve anything beside it (needed
    where the published metadata of an engine contradicts what works). `hint` says what the machine must bring that pip
    can't install.
    `needs_accelerator`: it installs anywhere but works only beside one.
    `same_as`: the environment of that name serves for it, until a site registers an interpreter of its own.
    """

    name: str
    purpose: str
    requirement_file: str
    no_deps: bool = False
    no_build_isolation: bool = False
    hint: str = ""
    needs_accelerator: bool = False
    same_as: str = ""


class UnknownEnvironmentError(KeyError):
    """There is no environment of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no environment `{self.name}`; known: {', '.join(sorted(ENVIRONMENTS))}"


_ALL = (
    Environment(
        name="train",
        purpose="fetch, train, evaluate, export and serve with torch, transformers, TRL, PEFT, DeepSpeed and Megatron",
        requirement_file="train.txt",
        hint="ZeRO on a CPU compiles two small operators once: it needs g++ and the Python headers",
    ),
    Environment(name="harness", purpose="public benchmarks with lm-eval", requirement_file="harness.txt"),
    Environment(
        name="export-gptq",
        purpose="GPTQ quantisation with gptqmodel",
        requirement_file="export-gptq.txt",
        no_deps=True,
        no_build_isolation=True,
        hint="gptqmodel compiles kernels at first use: it needs g++ and the Python headers",
    ),
    Environment(
        name="serve-vllm",
        purpose="serving with vLLM",
        requirement_file="serve-vllm.txt",
        hint="this is the build for processors; with an accelerator register the site's own interpreter (env use)",
    ),
    Environment(
        name="serve-lmdeploy",
        purpose="serving with LMDeploy",
        requirement_file="serve-lmdeploy.txt",
        no_deps=True,
        needs_accelerator=True,
    ),
    Environment(
        name="megatron",
        purpose="training divided by Megatron Core: the `train` environment, or your own",
        requirement_file="train.txt",
        same_as="train",
        hint="with accelerators register an interpreter that has TransformerEngine too (env use): it is faster, and "
        "only it divides sequences",
    ),
)

#: Every environment by name.
ENVIRONMENTS: Mapping[str, Environment] = {environment.name: environment for environment in _ALL}


def environment(name: str) -> Environment:
    """Return the environment called `name`; raise UnknownEnvironmentError."""
    try:
        return ENVIRONMENTS[name]
    except KeyError:
        raise UnknownEnvironmentError(name) from None


def requirements(name: str) -> tuple[str, ...]:
    """Return the requirement lines of an environment: no comments, no blank lines, sorted without regard to case."""
    # A plain path: the package is always a folder (environments link to it), and `importlib.resources` takes 5 ms.
    file = Path(__file__).parent / environment(name).requirement_file
    return _lines(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _lines(file: Path, _changed: int) -> tuple[str, ...]:
    """The editor's server asks at every keystroke, and the file is another one only after an upgrade."""
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return tuple(sorted((line for line in lines if line), key=str.lower))


def digest(name: str) -> str:
    """Return `sha256:<hex>` of what is asked for: the normalised requirements and this Python's minor version.

    Comments and order don't enter, so that explaining a pin does not make every model train again.
    """
    python = f"python {sys.version_info.major}.{sys.version_info.minor}"
    content = "\n".join([python, *requirements(name), ""])
    return "sha256:" + hashlib.sha256(content.encode("utf-8")).hexdigest()
